namespace Kiro.Balancer.Moves;

/// <summary>Who moves between two snapshots.</summary>
/// <param name="Flows">One for each pair of nodes with clients that move.</param>
/// <param name="RecentClients">All recent clients, whether they move or not.</param>
internal sealed record MoveReport(IReadOnlyList<Flow> Flows, long RecentClients)
{
    /// <summary>The share of all clients that move, as a fraction of 1.</summary>
    public double Share => Flows.Sum(flow => flow.Share);

    /// <summary>How many of the recent clients move.</summary>
    public long Clients => Flows.Sum(flow => flow.Clients);
}
