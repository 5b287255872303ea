namespace Kiro.Balancer.Admin.Moves;

/// <summary>The clients that go from one node to another.</summary>
/// <param name="From">The id of the node that they leave; null when none served them.</param>
/// <param name="To">The id of the node that they come to; null when none is left for them.</param>
/// <param name="Share">Of all clients, as a fraction of 1.</param>
/// <param name="Clients">Of the recent ones, how many.</param>
internal sealed record Flow(string? From, string? To, double Share, long Clients);
