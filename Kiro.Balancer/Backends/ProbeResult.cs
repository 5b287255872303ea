namespace Kiro.Balancer.Backends;

/// <summary>What a probe found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Latency">Until the response was complete; null without one.</param>
/// <param name="Error">Why it did not pass, in plain words; null when it did.</param>
/// <param name="Node">The name that the node gave itself, if any.</param>
/// <param name="IsConcurrent">Whether the node says that it serves requests at the same time.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, TimeSpan? Latency, string? Error, string? Node, bool IsConcurrent = false)
{
    /// <summary>What is wrong with a node that passes all the same, in its own words; null when it says that nothing is.</summary>
    public string? Degradation { get; init; }
}

/// <summary>How a probe ended.</summary>
internal enum ProbeOutcome
{
    /// <summary>2xx.</summary>
    Passed,

    /// <summary>503 with <c>{"status":"draining"}</c>: the node works and asks for no new requests.</summary>
    Draining,

    /// <summary>Another response.</summary>
    Failed,

    /// <summary>No response in time.</summary>
    Silent,

    /// <summary>No connection in time: not even accepted.</summary>
    Unaccepted,

    /// <summary>No response in time, but what the node has in hand explains it: nothing is known about the node.</summary>
    Busy,

    /// <summary>The connection was lost before the response was complete, or there was no name server to ask.</summary>
    Lost,

    /// <summary>The balancer could not even ask: nothing is known about the node.</summary>
    Unknown,

    /// <summary>Nobody listens there: no doubt is left.</summary>
    Refused,
}

/// <summary>How many probes in a row change a verdict.</summary>
/// <param name="Fall"><c>HEALTH_FALL</c>: failures that take a node out, from 1, default 2.</param>
/// <param name="Rise"><c>HEALTH_RISE</c>: passed ones that bring it back, from 1, default 2.</param>
internal sealed record ProbeThresholds(int Fall, int Rise)
{
    public static ProbeThresholds Default { get; } = new(2, 2);
}
