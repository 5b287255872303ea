using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Backends;

/// <summary>What runs for a node: what is counted of it, and the signals between those who deal with it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has no timer: there is nothing to dispose of.")]
internal sealed class BackendRuntime(Backend backend, TimeProvider time)
{
    private CancellationTokenSource _waiting = new();
    private volatile bool _isDoubted;
    private bool _closes;

    public Backend Backend { get; } = backend;

    public BackendCounters Counters { get; } = new(time);

    /// <summary>What it answered, and how fast.</summary>
    public BackendTraffic Traffic { get; } = new(time);

    /// <summary>Set by whoever has reason to doubt the node's state.</summary>
    public WakeSignal ProbeNow { get; } = new();

    /// <summary>Whether its last probe got no good response, or it is suspected: idle connections to it are closed soon, for
    /// they may hold the threads that the probe waits for.</summary>
    public bool IsDoubted
    {
        get => _isDoubted;
        set => _isDoubted = value;
    }

    /// <summary>Fires when it is hopeless to wait for this node's responses any longer.</summary>
    public CancellationToken Abandoned => Volatile.Read(ref _waiting).Token;

    /// <summary>Lets every request that waits for a response, and can be sent elsewhere, go there.</summary>
    // The old source is never disposed: it has no timer, and requests may still hold its token.
    public void AbandonWaiting() => Interlocked.Exchange(ref _waiting, new CancellationTokenSource()).Cancel();

    /// <summary>Notes whether a response of the node ended its connection.</summary>
    public void NoteClosing(bool closes)
    {
        if (closes == _closes)
        {
            return;
        }

        _closes = closes;
        if (closes)
        {
            // Servers that shut down begin to say so like this; a probe finds out whether this one does.
            ProbeNow.Set();
        }
    }
}

/// <summary>Has what runs for each node, made when it is first asked for and gone when nobody knows the node any more.</summary>
internal sealed class BackendRuntimes(TimeProvider time)
{
    private readonly ConditionalWeakTable<Backend, BackendRuntime> _runtimes = [];

    public BackendRuntime Of(Backend backend) =>
        _runtimes.TryGetValue(backend, out var runtime) ? runtime : _runtimes.GetValue(backend, added => new BackendRuntime(added, time));
}
