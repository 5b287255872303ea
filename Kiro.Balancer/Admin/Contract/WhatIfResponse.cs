namespace Kiro.Balancer.Admin.Contract;

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
