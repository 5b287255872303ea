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
}

internal sealed record BalancerPart(string? Mode, string? Version, string? State, double UptimeSeconds);

internal sealed record SummaryPart(int Total, int Healthy, int Draining, double RequestsPerSecond, long Retries);

internal sealed record BackendPart(
    string? Id, string? Host, int Port, string? Node, string? State, double? LatencyMs, string? Error, double? Share,
    long? InFlight, long? Requests, double? RequestsPerSecond);

/// <summary>Our own route.</summary>
internal sealed record ClientPart(string? Ip, string? Backend, string? Node);
