namespace Kiro.Balancer.Admin.Contract;

/// <summary>Something that happened, once, to one node or to several at the same time and for the same reason.</summary>
internal sealed record ClusterEvent
{
    /// <summary>Counts from 1 since the balancer started.</summary>
    public long Id { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>started</c> (the balancer), <c>joined</c>, <c>left</c>, <c>starting</c>, <c>up</c>, <c>down</c>,
    /// <c>ejected</c>, <c>draining</c> or <c>weight</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Which; the first few of them when there are many.</summary>
    public IReadOnlyList<NodeName> Nodes { get; init; } = [];

    /// <summary>How many nodes.</summary>
    public int Count { get; init; }

    /// <summary>Their state before; null when they were not known.</summary>
    public string? From { get; init; }

    /// <summary>Why, in plain words; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>The share of all clients that changed their node because of it, as a fraction of 1.</summary>
    public double MovedShare { get; init; }

    /// <summary>How many of the recent clients did.</summary>
    public long MovedClients { get; init; }

    /// <summary>How many recent clients there were.</summary>
    public long RecentClients { get; init; }

    /// <summary>How many nodes were up afterwards.</summary>
    public int Up { get; init; }

    /// <summary>How many were known afterwards.</summary>
    public int Total { get; init; }
}

/// <summary>What a node is called.</summary>
/// <param name="Id">What is hashed.</param>
/// <param name="Node">The name that it gives itself; null while it is unknown.</param>
internal sealed record NodeName(string Id, string? Node);
