namespace Kiro.Balancer.Backends;

/// <summary>What was sent to a node since it is known. Safe for use by many requests at the same time.</summary>
internal sealed class BackendCounters(TimeProvider time)
{
    private long _requests;
    private long _failures;
    private int _inFlight;
    private int _awaiting;
    private int _lossStreak;
    private long _lastSign;

    /// <summary>Requests that were given to the node, each try counted.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Those that got no complete answer, through no fault of the client.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Those that are under way, upgraded connections among them.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How long the node has owed answers without giving any; zero when it owes none.</summary>
    public TimeSpan Silence => Volatile.Read(ref _awaiting) > 0 ? time.GetElapsedTime(Volatile.Read(ref _lastSign)) : TimeSpan.Zero;

    /// <summary>A request goes to the node.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _inFlight);
        if (Interlocked.Increment(ref _awaiting) == 1)
        {
            Volatile.Write(ref _lastSign, time.GetTimestamp());
        }
    }

    /// <summary>The request got the head of an answer, or nobody waits for it any more.</summary>
    public void Settle(bool answered)
    {
        Interlocked.Decrement(ref _awaiting);
        if (answered)
        {
            Volatile.Write(ref _lastSign, time.GetTimestamp());
            if (Volatile.Read(ref _lossStreak) != 0)
            {
                Volatile.Write(ref _lossStreak, 0);
            }
        }
    }

    /// <summary>The exchange is over.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>The node failed a request.</summary>
    public void Fail() => Interlocked.Increment(ref _failures);

    /// <summary>A request was lost on an open connection.</summary>
    /// <returns>How many were lost in a row.</returns>
    public int Lose() => Interlocked.Increment(ref _lossStreak);
}
