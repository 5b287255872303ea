namespace Kiro.Cluster.View;

/// <summary>What is shown of the cluster at one moment, wherever it is known from.</summary>
/// <param name="Head">A few short lines: how it is as a whole, where to look.</param>
/// <param name="Nodes">The nodes, in the order of the table.</param>
/// <param name="Warnings">What somebody should know, in plain words.</param>
internal sealed record ClusterView(IReadOnlyList<string> Head, IReadOnlyList<NodeView> Nodes, IReadOnlyList<string> Warnings);

/// <summary>What is shown of a node at one moment. Null is not known, and shown as such.</summary>
internal sealed record NodeView
{
    /// <summary>The name that the node gives itself, or its address.</summary>
    public required string Name { get; init; }

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary><c>up</c>, <c>degraded</c>, <c>failing</c>, <c>starting</c>, <c>down</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it is not simply up.</summary>
    public string? Reason { get; init; }

    /// <summary>How long it took to answer the last question about its health.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Its share of all clients, as a fraction of 1.</summary>
    public double? Share { get; init; }

    public double? RequestsPerSecond { get; init; }

    public long? InFlight { get; init; }

    /// <summary>Clients that have a session with it, where sessions stay.</summary>
    public long? Sessions { get; init; }

    /// <summary>How often its process was started again.</summary>
    public int? Restarts { get; init; }

    /// <summary>It serves, well or not.</summary>
    public bool IsUp => State is "up" or "degraded" or "failing";
}
