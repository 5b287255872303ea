namespace Kiro.Balancer.Admin.Contract;

/// <summary>The caller's own route, worked out by the code that routes.</summary>
internal sealed record ClientStatus
{
    /// <summary>Its address: what is hashed and what the node is told.</summary>
    public required string Ip { get; init; }

    /// <summary>The id of the node that serves it; null when no node is known.</summary>
    public required string? Backend { get; init; }

    /// <summary>That node's name.</summary>
    public required string? Node { get; init; }

    /// <summary>The other end of the connection: the caller, or the proxy before us.</summary>
    public required string Peer { get; init; }

    /// <summary>Whether the peer's X-Forwarded-For counts.</summary>
    public required bool PeerIsTrusted { get; init; }

    /// <summary>X-Forwarded-For came, but from somebody who is not trusted.</summary>
    public required bool ClaimIgnored { get; init; }

    /// <summary>The part of the address that is hashed, such as <c>2001:db8:1:2::/64</c>.</summary>
    public required string Key { get; init; }

    /// <summary>From 0 to 1,048,575: clients of a slot share their ranking.</summary>
    public required int Slot { get; init; }

    /// <summary>Whether only its session keeps it with the node: after <c>SESSION_IDLE</c> without a request it goes to another.</summary>
    public required bool KeptBySession { get; init; }

    /// <summary>The first nodes, whatever their state; the first one that is up serves it.</summary>
    public required IReadOnlyList<RankStatus> Ranking { get; init; }
}

/// <summary>A node in a client's ranking.</summary>
internal sealed record RankStatus(string Id, string? Node, string State);
