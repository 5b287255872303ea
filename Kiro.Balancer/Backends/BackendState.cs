namespace Kiro.Balancer.Backends;

/// <summary>What a node may be used for.</summary>
internal enum BackendState
{
    /// <summary>Known, but not yet probed: it gets requests only when no other node is up.</summary>
    Starting,

    /// <summary>It gets the requests of its clients.</summary>
    Up,

    /// <summary>It failed its probes or refused a connection.</summary>
    Down,

    /// <summary>It works and gets no new requests; those in flight finish.</summary>
    Draining,
}
