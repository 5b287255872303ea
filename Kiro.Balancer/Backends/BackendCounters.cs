namespace Kiro.Balancer.Backends;

/// <summary>What was sent to a node since it is known. Safe for use by many requests at the same time.</summary>
internal sealed class BackendCounters(TimeProvider time)
{
    private long _requests;
    private long _failures;
    private long _overflows;
    private int _inFlight;
    private int _awaiting;
    private int _lossStreak;
    private long _lastSign;

    /// <summary>Requests that were given to the node, each try counted.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Those that got no complete answer, through no fault of the client.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Requests that went to another node because this one had its share.</summary>
    public long Overflows => Interlocked.Read(ref _overflows);

    /// <summary>Those that are under way, upgraded connections among them.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How long the node has owed answers without giving any; zero when it owes none.</summary>
    public TimeSpan Silence => Volatile.Read(ref _awaiting) > 0 ? time.GetElapsedTime(Volatile.Read(ref _lastSign)) : TimeSpan.Zero;

    /// <summary>A request goes to the node.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _inFlight);
    }

    /// <summary>From here on the node owes an answer: it has, or is about to have, all of the request.</summary>
    public void Await()
    {
        if (Volatile.Read(ref _awaiting) == 0)
        {
            Volatile.Write(ref _lastSign, time.GetTimestamp());
        }

        Interlocked.Increment(ref _awaiting);
    }

    /// <summary>The node owes this answer no longer.</summary>
    public void Settle() => Interlocked.Decrement(ref _awaiting);

    /// <summary>The node has begun an answer.</summary>
    public void Answer() => Volatile.Write(ref _lastSign, time.GetTimestamp());

    /// <summary>A complete answer, or an ejection, begins the count of losses anew.</summary>
    public void ForgetLosses()
    {
        if (Volatile.Read(ref _lossStreak) != 0)
        {
            Volatile.Write(ref _lossStreak, 0);
        }
    }

    /// <summary>The exchange is over.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>The node failed a request.</summary>
    public void Fail() => Interlocked.Increment(ref _failures);

    /// <summary>A request goes to another node because this one has its share.</summary>
    public void Overflow() => Interlocked.Increment(ref _overflows);

    /// <summary>A request was lost on an open connection.</summary>
    /// <returns>How many were lost in a row.</returns>
    public int Lose() => Interlocked.Increment(ref _lossStreak);
}
