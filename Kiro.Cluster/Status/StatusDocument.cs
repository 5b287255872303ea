namespace Kiro.Cluster.Status;

/// <summary>What is used of a balancer's <c>GET /lb/status</c>. Anything may be missing: its version may be another than ours.</summary>
internal sealed record StatusDocument(
    BalancerPart? Balancer, SummaryPart? Summary, IReadOnlyList<BackendPart?>? Backends, ClientPart? Client,
    IReadOnlyList<string?>? Warnings, DateTimeOffset Timestamp)
{
    /// <summary>Why the cluster is not healthy, or null when it is: the same as the balancer's own <c>GET /health</c>.</summary>
    public string? Trouble =>
        Balancer?.State == "draining" ? "the balancer is shutting down"
        : Summary?.Healthy > 0 ? null
        : "no node is up";

    /// <summary>The nodes that serve, but not well: with errors, or without something they need.</summary>
    public IEnumerable<BackendPart> UnwellNodes => (Backends ?? []).OfType<BackendPart>().Where(backend => backend.Unwell is not null);

    /// <summary>What a command that shows this ends with: see the help text.</summary>
    public int ExitCode => Trouble is not null ? 1 : UnwellNodes.Any() ? 2 : 0;
}

internal sealed record BalancerPart(string? Mode, string? Version, string? State, double UptimeSeconds);

internal sealed record SummaryPart(int Total, int Healthy, int Draining, double RequestsPerSecond, long Retries);

internal sealed record BackendPart(
    string? Id, string? Host, int Port, string? Node, string? State, double? LatencyMs, string? Error, double? Share,
    long? InFlight, long? Requests, double? RequestsPerSecond)
{
    /// <summary><c>degraded</c> by its own words, <c>failing</c> by its responses; null when it is neither.</summary>
    public string? Status { get; init; }

    /// <summary>Why it is not simply well.</summary>
    public string? Reason { get; init; }

    /// <summary>How many clients have a session with it; null when sessions do not stay.</summary>
    public long? Sessions { get; init; }

    /// <summary>Whether an operator drains it and lets its sessions end first.</summary>
    public bool LetsSessionsEnd { get; init; }

    public bool IsUp => State is "up";

    /// <summary>How it serves when it does not serve well: <c>degraded</c> or <c>failing</c>; else null.</summary>
    public string? Unwell => IsUp && Status is "degraded" or "failing" ? Status : null;
}

/// <summary>Our own route.</summary>
internal sealed record ClientPart(string? Ip, string? Backend, string? Node, IReadOnlyList<RankPart>? Ranking = null)
{
    /// <summary>What clients are told apart by; an older balancer does not say.</summary>
    public string? StickyBy { get; init; }

    /// <summary>What is hashed.</summary>
    public string? Key { get; init; }

    /// <summary>Whose route it is.</summary>
    public string? Name => Ip ?? Key;

    /// <summary>The node, with its state when it is not up, or why there is none.</summary>
    public string Target => Backend is not null
        ? (Node ?? Backend) + (Ranking?.FirstOrDefault(node => node.Id == Backend)?.State is { } state and not "up" ? $" ({state})" : "")
        : StickyBy is "cookie" && Key is null ? "no node before the first response brings the cookie" : "no node";
}

/// <summary>A node in the ranking of a client.</summary>
internal sealed record RankPart(string? Id, string? Node, string? State);
