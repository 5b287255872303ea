namespace Kiro.Balancer.Health;

/// <summary>How a probe ended.</summary>
internal enum ProbeOutcome
{
    /// <summary>2xx.</summary>
    Passed,

    /// <summary>503 with <c>{"status":"draining"}</c>: the node works and asks for no new requests.</summary>
    Draining,

    /// <summary>Another answer.</summary>
    Failed,

    /// <summary>No answer in time, or the connection was lost.</summary>
    Silent,

    /// <summary>The balancer could not even ask: nothing is known about the node.</summary>
    Unknown,

    /// <summary>Nobody listens there: no doubt is left.</summary>
    Refused,
}
