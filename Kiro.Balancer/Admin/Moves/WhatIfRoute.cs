namespace Kiro.Balancer.Admin.Moves;

/// <summary>A client's node, now and then.</summary>
internal sealed record WhatIfRoute(NodeName? From, NodeName? To, bool Moves);
