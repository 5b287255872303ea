namespace Kiro.Cluster.View;

/// <summary>What is shown of a node at one moment. Null is not known, and shown as such.</summary>
internal sealed record NodeView
{
    /// <summary>The name that the node gives itself, or its address.</summary>
    public required string Name { get; init; }

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary><c>up</c>, <c>starting</c>, <c>down</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it is not simply up.</summary>
    public string? Reason { get; init; }

    /// <summary>How long it took to answer the last question about its health.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Its share of all clients, as a fraction of 1.</summary>
    public double? Share { get; init; }

    public double? RequestsPerSecond { get; init; }

    public long? InFlight { get; init; }

    /// <summary>How often its process was started again.</summary>
    public int? Restarts { get; init; }

    public bool IsUp => State == "up";
}
