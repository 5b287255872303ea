namespace Kiro.Balancer.Admin.Contract;

/// <summary>A client's route.</summary>
internal sealed record ClientStatus
{
    /// <summary>Its address, which is hashed unless <see cref="StickyBy"/> says otherwise. Null if a key was given.</summary>
    public string? Ip { get; init; }

    /// <summary>The id of the node that serves it; null if there is none, or it has no cookie yet.</summary>
    public required string? Backend { get; init; }

    /// <summary>That node's name.</summary>
    public required string? Node { get; init; }

    /// <summary>The remote end of the connection: the caller, or a proxy.</summary>
    public string? Peer { get; init; }

    /// <summary>Whether the peer's X-Forwarded-For is accepted.</summary>
    public bool PeerIsTrusted { get; init; }

    /// <summary>Whether X-Forwarded-For was ignored because the peer is not trusted.</summary>
    public bool ClaimIgnored { get; init; }

    /// <summary>What identifies clients: <c>ip</c>, <c>cookie</c>, or <c>header:</c> with a field name.</summary>
    public required string StickyBy { get; init; }

    /// <summary>What is hashed: the significant part of the address, such as <c>2001:db8:1:2::/64</c>, or the start of the cookie or field, such as
    /// <c>kiro=3f2a…</c>. Null if it has no cookie yet.</summary>
    public required string? Key { get; init; }

    /// <summary>From 0 to 1,048,575. Clients of a slot share their ranking. Null without a key.</summary>
    public required int? Slot { get; init; }

    /// <summary>Whether only its session keeps it on the node: after <c>SESSION_IDLE</c> without a request it moves to another.</summary>
    public required bool KeptBySession { get; init; }

    /// <summary>The highest-ranked nodes in any state. The first one that is up serves it.</summary>
    public required IReadOnlyList<RankStatus> Ranking { get; init; }
}

/// <summary>A node in a client's ranking.</summary>
internal sealed record RankStatus(string Id, string? Node, string State);

/// <summary>The response of <c>GET /lb/what-if</c>.</summary>
/// <param name="MovedShare">The share of all clients that would move, 0 to 1.</param>
/// <param name="MovedClients">The number of recent clients that would, once their sessions have ended.</param>
/// <param name="MovedAtOnce">The number of recent clients that would at once. The same without session affinity.</param>
/// <param name="RecentClients">The number of recent clients.</param>
/// <param name="You">The caller's own route.</param>
/// <param name="Nodes">The nodes of both clusters.</param>
internal sealed record WhatIfResponse(
    double MovedShare, long MovedClients, long MovedAtOnce, long RecentClients, WhatIfRoute You, IReadOnlyList<WhatIfNode> Nodes);

/// <summary>A client's node before and after.</summary>
internal sealed record WhatIfRoute(NodeName? From, NodeName? To, bool Moves);

/// <summary>A node of the hypothetical cluster or of the current one.</summary>
internal sealed record WhatIfNode
{
    /// <summary>Made up for a new node.</summary>
    public required string Id { get; init; }

    /// <summary>The name that the node reports.</summary>
    public required string? Node { get; init; }

    /// <summary><c>stays</c>, <c>joins</c> or <c>leaves</c>.</summary>
    public required string Change { get; init; }

    /// <summary>Its current share of all clients, 0 to 1.</summary>
    public required double Before { get; init; }

    /// <summary>Its share in the hypothetical cluster.</summary>
    public required double After { get; init; }

    /// <summary>The share of all clients that would move to it.</summary>
    public required double Gains { get; init; }

    /// <summary>The number of recent clients that would.</summary>
    public required long GainsClients { get; init; }
}
