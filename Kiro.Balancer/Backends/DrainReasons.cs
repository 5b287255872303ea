namespace Kiro.Balancer.Backends;

/// <summary>Who wants a node to drain. It does as long as anybody wants it.</summary>
[Flags]
internal enum DrainReasons
{
    None = 0,

    /// <summary>The node itself, by its health answer.</summary>
    Node = 1,

    /// <summary>An operator, through the admin endpoint.</summary>
    Operator = 2,

    /// <summary>Discovery: the node is not in the answer any more, but still passes its probe.</summary>
    Absent = 4,

    /// <summary>It is the IPv6 address of a node that is in use by its IPv4 address.</summary>
    Twin = 8,
}
