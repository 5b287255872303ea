namespace Kiro.Balancer.Backends;

/// <summary>What a node may be used for.</summary>
internal enum BackendState
{
    /// <summary>Known, but not yet probed: it gets requests only when no other node is up.</summary>
    Starting,

    /// <summary>It gets the requests of its clients.</summary>
    Up,

    /// <summary>It failed its probes, refused a connection or was ejected.</summary>
    Down,

    /// <summary>It works and gets no new requests; those in flight finish.</summary>
    Draining,
}

internal static class BackendStates
{
    /// <summary>The word for it wherever it is told: status, events, metrics, log.</summary>
    public static string Word(this BackendState state) => state switch
    {
        BackendState.Starting => "starting",
        BackendState.Up => "up",
        BackendState.Down => "down",
        _ => "draining",
    };
}
