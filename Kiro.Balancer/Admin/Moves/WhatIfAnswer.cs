namespace Kiro.Balancer.Admin.Moves;

/// <summary>The answer of <c>GET /lb/what-if</c>.</summary>
/// <param name="MovedShare">The share of all clients that would move, as a fraction of 1.</param>
/// <param name="MovedClients">How many of the recent clients would.</param>
/// <param name="RecentClients">How many recent clients there are.</param>
/// <param name="You">The caller's own route.</param>
/// <param name="Nodes">Those of now and of then.</param>
internal sealed record WhatIfAnswer(
    double MovedShare, long MovedClients, long RecentClients, WhatIfRoute You, IReadOnlyList<WhatIfNode> Nodes);
