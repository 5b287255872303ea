namespace Kiro.Balancer.Backends;

/// <summary>What was sent to a node since it is known. Safe for use by many requests at the same time.</summary>
internal sealed class BackendCounters
{
    private long _requests;
    private long _failures;
    private int _inFlight;

    /// <summary>Requests that were given to the node, each try counted.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Those that got no complete answer, through no fault of the client.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Those that are under way, upgraded connections among them.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    public void Begin()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _inFlight);
    }

    public void End() => Interlocked.Decrement(ref _inFlight);

    public void Fail() => Interlocked.Increment(ref _failures);
}
