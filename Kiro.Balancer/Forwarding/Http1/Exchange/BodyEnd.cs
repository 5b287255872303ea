namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>How the copying of a body ended.</summary>
internal enum BodyEnd
{
    Complete,

    /// <summary>The connection to the node ended first.</summary>
    Lost,

    /// <summary>The framing is broken.</summary>
    Invalid,

    ClientGone,
}
