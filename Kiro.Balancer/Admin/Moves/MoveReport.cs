namespace Kiro.Balancer.Admin.Moves;

/// <summary>Who moves between two snapshots.</summary>
/// <param name="Flows">One for each pair of nodes with clients that move.</param>
/// <param name="RecentClients">All recent clients, whether they move or not.</param>
internal sealed record MoveReport(IReadOnlyList<Flow> Flows, long RecentClients)
{
    /// <summary>Those that leave a node; whoever had none does not move by getting one.</summary>
    public IEnumerable<Flow> Moving => Flows.Where(flow => flow.From is not null);

    /// <summary>The share of all clients that move, as a fraction of 1.</summary>
    public double Share => Moving.Sum(flow => flow.Share);

    /// <summary>How many of the recent clients move.</summary>
    public long Clients => Moving.Sum(flow => flow.Clients);
}

/// <summary>The clients that go from one node to another.</summary>
/// <param name="From">The id of the node that they leave; null when none served them.</param>
/// <param name="To">The id of the node that they come to; null when none is left for them.</param>
/// <param name="Share">Of all clients, as a fraction of 1.</param>
/// <param name="Clients">Of the recent ones, how many.</param>
internal sealed record Flow(string? From, string? To, double Share, long Clients);
