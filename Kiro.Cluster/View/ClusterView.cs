namespace Kiro.Cluster.View;

/// <summary>The displayed state of the cluster, from any source.</summary>
/// <param name="Head">A few short lines: overall state and addresses.</param>
/// <param name="Nodes">The nodes, in the order of the table.</param>
/// <param name="Warnings">Warnings, in plain English.</param>
internal sealed record ClusterView(IReadOnlyList<string> Head, IReadOnlyList<NodeView> Nodes, IReadOnlyList<string> Warnings);

/// <summary>The displayed state of a node. Null means unknown.</summary>
internal sealed record NodeView
{
    /// <summary>The name reported by the node, or its address.</summary>
    public required string Name { get; init; }

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary><c>up</c>, <c>degraded</c>, <c>failing</c>, <c>starting</c>, <c>down</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it is not fully up.</summary>
    public string? Reason { get; init; }

    /// <summary>The latency of the last probe.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Its share of all clients, as a fraction of 1.</summary>
    public double? Share { get; init; }

    public double? RequestsPerSecond { get; init; }

    public long? InFlight { get; init; }

    /// <summary>Clients with a session on it, with session affinity.</summary>
    public long? Sessions { get; init; }

    /// <summary>How often its process was restarted.</summary>
    public int? Restarts { get; init; }

    /// <summary>Whether it serves, including degraded and failing.</summary>
    public bool IsUp => State is "up" or "degraded" or "failing";
}
