namespace Kiro.Cluster.Status;

/// <summary>The parts used of <c>GET /lb/status</c>. All are optional, because the balancer's version may differ.</summary>
internal sealed record StatusDocument(
    BalancerPart? Balancer, SummaryPart? Summary, IReadOnlyList<BackendPart?>? Backends, ClientPart? Client,
    IReadOnlyList<string?>? Warnings, DateTimeOffset Timestamp)
{
    /// <summary>Why the cluster is not healthy, or null if it is; consistent with the balancer's <c>GET /health</c>.</summary>
    public string? Trouble =>
        Balancer?.State == "draining" ? "the balancer is shutting down"
        : Summary?.Healthy > 0 ? null
        : "no node is up";

    /// <summary>The nodes that serve but are failing or degraded.</summary>
    public IEnumerable<BackendPart> UnwellNodes => (Backends ?? []).OfType<BackendPart>().Where(backend => backend.Unwell is not null);

    /// <summary>The exit code of <c>status</c>, see the help text.</summary>
    public int ExitCode => Trouble is not null ? 1 : UnwellNodes.Any() ? 2 : 0;
}

internal sealed record BalancerPart(string? Mode, string? Version, string? State, double UptimeSeconds);

internal sealed record SummaryPart(int Total, int Healthy, int Draining, double RequestsPerSecond, long Retries);

internal sealed record BackendPart(
    string? Id, string? Host, int Port, string? Node, string? State, double? LatencyMs, string? Error, double? Share,
    long? InFlight, long? Requests, double? RequestsPerSecond)
{
    /// <summary><c>degraded</c> as reported by the node, <c>failing</c> judging by its responses; otherwise null.</summary>
    public string? Status { get; init; }

    /// <summary>Why it is degraded or failing.</summary>
    public string? Reason { get; init; }

    /// <summary>The number of clients with a session on it; null without session affinity.</summary>
    public long? Sessions { get; init; }

    /// <summary>Whether an operator's drain lets its sessions end first.</summary>
    public bool LetsSessionsEnd { get; init; }

    public bool IsUp => State is "up";

    /// <summary><c>degraded</c> or <c>failing</c> if it is up; otherwise null.</summary>
    public string? Unwell => IsUp && Status is "degraded" or "failing" ? Status : null;
}

/// <summary>A client's route.</summary>
internal sealed record ClientPart(string? Ip, string? Backend, string? Node, IReadOnlyList<RankPart>? Ranking = null)
{
    /// <summary>How clients are identified; not sent by older balancers.</summary>
    public string? StickyBy { get; init; }

    /// <summary>The hashed key.</summary>
    public string? Key { get; init; }

    /// <summary>The client.</summary>
    public string? Name => Ip ?? Key;

    /// <summary>The node, with its state if it is not up, or why there is none.</summary>
    public string Target => Backend is not null
        ? (Node ?? Backend) + (Ranking?.FirstOrDefault(node => node.Id == Backend)?.State is { } state and not "up" ? $" ({state})" : "")
        : StickyBy is "cookie" && Key is null ? "no node until the first response sets the cookie" : "no node";
}

/// <summary>A node in the ranking of a client.</summary>
internal sealed record RankPart(string? Id, string? Node, string? State);
