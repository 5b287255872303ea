using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Backends;

/// <summary>A backend's counters, and the signals between the components that use it.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has no timer: there is nothing to dispose of.")]
internal sealed class BackendRuntime(Backend backend, TimeProvider time)
{
    private CancellationTokenSource _waiting = new();
    private volatile bool _isDoubted;
    private bool _closes;

    public Backend Backend { get; } = backend;

    public BackendCounters Counters { get; } = new(time);

    /// <summary>Its responses and their latencies.</summary>
    public BackendTraffic Traffic { get; } = new(time);

    /// <summary>Requests a probe without waiting for the interval.</summary>
    public WakeSignal ProbeNow { get; } = new();

    /// <summary>Whether its last probe failed or it has been unresponsive: idle connections to it are then closed early, as they
    /// may occupy the threads that the probe is waiting for.</summary>
    public bool IsSuspect
    {
        get => _isDoubted;
        set => _isDoubted = value;
    }

    /// <summary>Cancelled when there is no point in waiting for its responses any longer.</summary>
    public CancellationToken Abandoned => Volatile.Read(ref _waiting).Token;

    /// <summary>Makes requests that are waiting for a response, and can be retried, go to another backend.</summary>
    // The old source is not disposed: requests may still hold its token.
    public void AbandonWaiting() => Interlocked.Exchange(ref _waiting, new CancellationTokenSource()).Cancel();

    /// <summary>Records whether a response closed its connection.</summary>
    public void RecordConnectionClose(bool closes)
    {
        if (closes == _closes)
        {
            return;
        }

        _closes = closes;
        if (closes)
        {
            // Often the first sign of a shutdown; a probe finds out.
            ProbeNow.Set();
        }
    }
}

/// <summary>The runtime of each backend, created on first use and collected with the backend.</summary>
internal sealed class BackendRuntimes(TimeProvider time)
{
    private readonly ConditionalWeakTable<Backend, BackendRuntime> _runtimes = [];

    public BackendRuntime Of(Backend backend) =>
        _runtimes.TryGetValue(backend, out var runtime) ? runtime : _runtimes.GetValue(backend, added => new BackendRuntime(added, time));
}

/// <summary>Ends the wait of a single waiter early. A signal set while nobody waits is kept, once.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _signal = NewSignal();

    public void Set() => Volatile.Read(ref _signal).TrySetResult();

    /// <summary>Waits for a signal, at most for <paramref name="limit"/>.</summary>
    /// <returns>Whether there was a signal.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var signal = Volatile.Read(ref _signal);
        if (!signal.Task.IsCompleted)
        {
            // No exception at the limit: it is the normal case for every probe loop, and a throw costs as much as a probe.
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(signal.Task, Task.Delay(limit, time, timeout.Token));
            cancellationToken.ThrowIfCancellationRequested();
            if (signal.Task.IsCompleted)
            {
                await timeout.CancelAsync();
            }
        }

        return signal.Task.IsCompleted && Interlocked.CompareExchange(ref _signal, NewSignal(), signal) == signal;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
