namespace Kiro.Balancer.Forwarding;

/// <summary>How far a request got before it failed.</summary>
internal enum FailurePoint
{
    /// <summary>No connection to the node: it has seen nothing of the request.</summary>
    Connect,

    /// <summary>The connection was lost before any byte of the answer: the node may have acted on the request.</summary>
    BeforeResponse,

    /// <summary>The node took too long to answer.</summary>
    Timeout,

    /// <summary>The answer was broken, or its connection was lost half-way.</summary>
    DuringResponse,

    /// <summary>The client went away or sent a broken body: no fault of the node.</summary>
    Client,
}
