namespace Kiro.Balancer.Admin.Contract;

/// <summary>Operators' orders in force.</summary>
/// <param name="Count">How many, those included that wait for a node which is not known.</param>
/// <param name="Digest">The same on balancers that have the same orders about the nodes that they know.</param>
/// <param name="Refused">Orders of peers that were malformed, dated too far ahead, or too many.</param>
internal sealed record OrdersStatus(int Count, string Digest, long Refused);

/// <summary>Another balancer (<c>BALANCER_PEERS</c>).</summary>
internal sealed record PeerStatus
{
    /// <summary>Where it is asked.</summary>
    public required string Address { get; init; }

    /// <summary>Whether it responded the last time.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Why not, in words that follow its address.</summary>
    public required string? Error { get; init; }

    /// <summary>When it last responded; null when it never did.</summary>
    public required DateTimeOffset? LastHeard { get; init; }

    /// <summary>Of its program; null while it is unknown, as is all that follows.</summary>
    public required string? Version { get; init; }

    /// <summary>Its nodes by state.</summary>
    public required PeerNodes? Nodes { get; init; }

    /// <summary>How many orders it has.</summary>
    public required int? Orders { get; init; }

    /// <summary>See <see cref="OrdersStatus.Digest"/>.</summary>
    public required string? Digest { get; init; }

    /// <summary>Whether it has the same orders as this balancer.</summary>
    public required bool? InStep { get; init; }

    /// <summary>How many sessions (slots of clients) it is still to be told of; null when it is told of none.</summary>
    public required int? UntoldSessions { get; init; }

    /// <summary>What it has seen otherwise than this balancer for more than 30 s, in plain words.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
}

/// <summary>How many nodes a balancer knows, and in which states it sees them.</summary>
internal sealed record PeerNodes(int Total, int Up, int Starting, int Down, int Draining);
