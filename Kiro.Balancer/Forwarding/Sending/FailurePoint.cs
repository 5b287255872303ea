namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>How far a request got before it failed.</summary>
internal enum FailurePoint
{
    /// <summary>No connection to the node: it has seen nothing of the request.</summary>
    Connect,

    /// <summary>No connection, for want of the balancer's own sockets: no node is to blame, and none is better.</summary>
    Balancer,

    /// <summary>The request cannot be put into the form that a node would get.</summary>
    Request,

    /// <summary>The connection was lost before any byte of the response: the node may have acted on the request.</summary>
    BeforeResponse,

    /// <summary>The node took too long to answer.</summary>
    Timeout,

    /// <summary>The response was broken, or its connection was lost half-way.</summary>
    DuringResponse,

    /// <summary>The client went away or sent a broken body: no fault of the node.</summary>
    Client,
}
