using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>Says that something is to be kept.</summary>
internal sealed class StateChanges
{
    private readonly WakeSignal _changed = new();

    /// <summary>Raised before <see cref="Urgent"/>, for whoever has yet to write down what belongs to it.</summary>
    public event Action? Keeping;

    /// <summary>Raised for what is to be kept before anything else happens, on the thread of whoever says so.</summary>
    public event Action? Urgent;

    /// <summary>Soon, and from any thread; costs nothing.</summary>
    public void Note() => _changed.Set();

    /// <summary>Returns when it is kept, or could not be.</summary>
    public void Keep()
    {
        Keeping?.Invoke();
        Urgent?.Invoke();
    }

    /// <summary>Waits for a change.</summary>
    public Task WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken) => _changed.WaitAsync(limit, time, cancellationToken);
}
