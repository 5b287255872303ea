namespace Kiro.Balancer.Forwarding;

/// <summary>Ways of a request to its node.</summary>
internal enum ForwardingPath
{
    /// <summary>Plain HTTP/1 on the event loops of Front, where the system has epoll; the rest as <see cref="Lean"/>.</summary>
    Loop,

    /// <summary>Straight over a socket, for all that is HTTP/1.x without an upgrade; the rest by <see cref="Yarp"/>.</summary>
    Lean,

    /// <summary>Everything by YARP and HttpClient.</summary>
    Yarp,
}
