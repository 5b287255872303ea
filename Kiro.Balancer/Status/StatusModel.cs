namespace Kiro.Balancer.Status;

/// <summary>The answer of <c>GET /lb/status</c>.</summary>
internal sealed record StatusModel(
    BalancerStatus Balancer,
    SummaryStatus Summary,
    IReadOnlyList<BackendStatus> Backends,
    ClientStatus Client,
    IReadOnlyList<string> Warnings,
    DateTimeOffset Timestamp);

internal sealed record BalancerStatus(
    int Port, string Mode, string Version, string State, DateTimeOffset StartedAt, double UptimeSeconds);

internal sealed record SummaryStatus(
    int Total, int Healthy, int Unhealthy, int Draining, long Requests, double RequestsPerSecond, long Retries);

internal sealed record BackendStatus(
    string Id,
    string Host,
    int Port,
    string? Node,
    string State,
    bool Healthy,
    bool Reachable,
    string? Latency,
    double? LatencyMs,
    string? Error,
    DateTimeOffset? LastCheck,
    DateTimeOffset Since,
    double Weight,
    double Share,
    int InFlight,
    long Requests,
    long Failures);

/// <summary>The caller's own route, worked out by the code that routes.</summary>
internal sealed record ClientStatus(string Ip, string? Backend, string? Node);

/// <summary>The answer of <c>GET /health</c>.</summary>
internal sealed record HealthStatus(string Status, [property: System.Text.Json.Serialization.JsonPropertyName("healthy_backends")] int HealthyBackends);

/// <summary>The answer of the admin endpoints.</summary>
internal sealed record AdminAnswer(string Id, string? State, string? Error);
