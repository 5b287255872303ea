namespace Kiro.Balancer.Admin;

/// <summary>A node in a client's ranking.</summary>
internal sealed record RankStatus(string Id, string? Node, string State);
