namespace Kiro.Balancer.Backends;

/// <summary>What can happen to a node.</summary>
internal enum ChangeKind
{
    /// <summary>Discovery named it for the first time.</summary>
    Joined,

    /// <summary>It was forgotten.</summary>
    Left,

    Starting,
    Up,
    Down,

    /// <summary>It is out because it lost requests, whatever its probes say.</summary>
    Ejected,
    Draining,

    /// <summary>Its share of the clients was changed.</summary>
    Weight,
}
