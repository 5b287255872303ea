namespace Kiro.Balancer.Admin.Contract;

/// <summary>A client's route, worked out by the code that routes: the caller's own, or another one's.</summary>
internal sealed record ClientStatus
{
    /// <summary>Its address: what the node is told, and what is hashed unless <see cref="StickyBy"/> says otherwise. Null when a
    /// key was asked for.</summary>
    public string? Ip { get; init; }

    /// <summary>The id of the node that serves it; null when no node is known, or not yet which.</summary>
    public required string? Backend { get; init; }

    /// <summary>That node's name.</summary>
    public required string? Node { get; init; }

    /// <summary>The other end of the connection: the caller, or the proxy before us.</summary>
    public string? Peer { get; init; }

    /// <summary>Whether the peer's X-Forwarded-For counts.</summary>
    public bool PeerIsTrusted { get; init; }

    /// <summary>X-Forwarded-For came, but from somebody who is not trusted.</summary>
    public bool ClaimIgnored { get; init; }

    /// <summary>What clients are told apart by: <c>ip</c>, <c>cookie</c>, or <c>header:</c> and a field's name.</summary>
    public required string StickyBy { get; init; }

    /// <summary>What is hashed: the part of the address that counts, such as <c>2001:db8:1:2::/64</c>, or the beginning of the
    /// cookie or the field, such as <c>kiro=3f2a…</c>. Null for a client that gets its cookie with its first response.</summary>
    public required string? Key { get; init; }

    /// <summary>From 0 to 1,048,575: clients of a slot share their ranking. Null without a key.</summary>
    public required int? Slot { get; init; }

    /// <summary>Whether only its session keeps it with the node: after <c>SESSION_IDLE</c> without a request it goes to another.</summary>
    public required bool KeptBySession { get; init; }

    /// <summary>The first nodes, whatever their state; the first one that is up serves it.</summary>
    public required IReadOnlyList<RankStatus> Ranking { get; init; }
}

/// <summary>A node in a client's ranking.</summary>
internal sealed record RankStatus(string Id, string? Node, string State);

/// <summary>The response of <c>GET /lb/what-if</c>.</summary>
/// <param name="MovedShare">The share of all clients that would move, as a fraction of 1.</param>
/// <param name="MovedClients">How many of the recent clients would, once their sessions have ended.</param>
/// <param name="MovedAtOnce">How many of them would at once, sessions or not. The same when sessions do not stay.</param>
/// <param name="RecentClients">How many recent clients there are.</param>
/// <param name="You">The caller's own route.</param>
/// <param name="Nodes">Those of now and of then.</param>
internal sealed record WhatIfResponse(
    double MovedShare, long MovedClients, long MovedAtOnce, long RecentClients, WhatIfRoute You, IReadOnlyList<WhatIfNode> Nodes);

/// <summary>A client's node, now and then.</summary>
internal sealed record WhatIfRoute(NodeName? From, NodeName? To, bool Moves);

/// <summary>A node in a cluster that might be.</summary>
internal sealed record WhatIfNode
{
    /// <summary>A new node has an invented one.</summary>
    public required string Id { get; init; }

    /// <summary>The name that it gives itself.</summary>
    public required string? Node { get; init; }

    /// <summary><c>stays</c>, <c>joins</c> or <c>leaves</c>.</summary>
    public required string Change { get; init; }

    /// <summary>Its share of all clients now, as a fraction of 1.</summary>
    public required double Before { get; init; }

    /// <summary>Its share then.</summary>
    public required double After { get; init; }

    /// <summary>The share of all clients that would come to it from other nodes.</summary>
    public required double Gains { get; init; }

    /// <summary>How many of the recent clients would.</summary>
    public required long GainsClients { get; init; }
}
