namespace Kiro.Balancer.Backends;

/// <summary>Whose fault it is that there is no connection.</summary>
internal enum ConnectFault
{
    /// <summary>Nobody listens there, or nobody answers.</summary>
    Node,

    /// <summary>The name could not be looked up just now; the node may be well.</summary>
    NameServer,

    /// <summary>This process has no sockets or ports left; that says nothing about any node.</summary>
    Balancer,
}
