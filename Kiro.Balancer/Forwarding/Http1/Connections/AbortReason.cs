namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>Why the balancer itself cut an exchange off.</summary>
internal enum AbortReason
{
    None,

    /// <summary>The client has left, or its body is broken.</summary>
    Client,

    /// <summary>The node is known to hang.</summary>
    GivenUp,

    /// <summary>No byte has moved for too long.</summary>
    StoodStill,

    /// <summary>A stream of events that had to end.</summary>
    StreamEnded,

    /// <summary>The node answered in full and needs no more of the request.</summary>
    Answered,
}
