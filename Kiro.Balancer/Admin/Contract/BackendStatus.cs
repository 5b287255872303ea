using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>A node.</summary>
internal sealed record BackendStatus
{
    /// <summary>The hashed id: <c>host:port</c>.</summary>
    public required string Id { get; init; }

    /// <summary>A host name or an address.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>The name that the node reports; null if unknown.</summary>
    public required string? Node { get; init; }

    /// <summary><c>starting</c>, <c>up</c>, <c>down</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    /// <summary>Whether it is up.</summary>
    public required bool Healthy { get; init; }

    /// <summary>Whether the last probe got any response.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Duration of the last answered probe in whole milliseconds, such as <c>2ms</c>.</summary>
    public required string? Latency { get; init; }

    /// <summary>The same as a number.</summary>
    public required double? LatencyMs { get; init; }

    /// <summary><c>failing</c> if it is up but at least a tenth of its responses are errors (5xx); <c>degraded</c> if it is up but reports a problem
    /// itself; otherwise null.</summary>
    public required string? Status { get; init; }

    /// <summary>The reason for <see cref="Status"/>.</summary>
    public required string? Reason { get; init; }

    /// <summary>Since when; null without a <see cref="Status"/>.</summary>
    public required DateTimeOffset? StatusSince { get; init; }

    /// <summary>Why it is not up, or not simply up.</summary>
    public required string? Error { get; init; }

    /// <summary>When the last probe completed.</summary>
    public required DateTimeOffset? LastCheck { get; init; }

    /// <summary>When it entered its state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Its weight relative to the others.</summary>
    public required double Weight { get; init; }

    /// <summary>Its expected share of all clients, 0 to 1.</summary>
    public required double Share { get; init; }

    /// <summary>Requests in flight.</summary>
    public required int InFlight { get; init; }

    /// <summary>Requests sent to it, retries included.</summary>
    public required long Requests { get; init; }

    /// <summary>Requests that it did not answer.</summary>
    public required long Failures { get; init; }

    /// <summary>Over the last ten seconds.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>How many recent clients it serves now.</summary>
    public required long Clients { get; init; }

    /// <summary>Clients with a session on it, that is, a request within <c>SESSION_IDLE</c>. Null without session affinity.</summary>
    public required long? Sessions { get; init; }

    /// <summary>Those that would be on another node without their session.</summary>
    public required long? KeptBySessions { get; init; }

    /// <summary>The weight set by an operator; null if none was.</summary>
    public required double? OperatorWeight { get; init; }

    /// <summary>Whether an operator drains it.</summary>
    public required bool DrainedByOperator { get; init; }

    /// <summary>Whether an operator drains it and waits for its sessions to end.</summary>
    public required bool LetsSessionsEnd { get; init; }

    /// <summary>When the remaining sessions are evacuated; null for never.</summary>
    public required DateTimeOffset? SessionsUntil { get; init; }

    /// <summary>Whether it was ever up.</summary>
    public required bool HasBeenUp { get; init; }

    /// <summary>The last probes in milliseconds, oldest first; null for a probe without a response.</summary>
    public required IReadOnlyList<double?> LatencyHistory { get; init; }

    /// <summary>Its responses.</summary>
    public required TrafficStatus Traffic { get; init; }

    /// <summary>Responses per second over the last five minutes, in points of ten seconds, oldest first.</summary>
    public required IReadOnlyList<double> ResponseHistory { get; init; }

    /// <summary>Those with status 5xx.</summary>
    public required IReadOnlyList<double> ErrorHistory { get; init; }
}

/// <summary>Responses since the start, or since the node joined: of a node, or of all including the balancer's own.</summary>
internal sealed record TrafficStatus
{
    /// <summary>By status class.</summary>
    public required ResponseClasses Responses { get; init; }

    /// <summary>The last ten seconds.</summary>
    public required TrafficSpan Last10Seconds { get; init; }

    /// <summary>The last five minutes.</summary>
    public required TrafficSpan Last5Minutes { get; init; }

    /// <summary>Bytes sent to nodes.</summary>
    public required long BytesIn { get; init; }

    /// <summary>Bytes received from nodes.</summary>
    public required long BytesOut { get; init; }

    /// <summary>Requests that failed and were retried on another node.</summary>
    public required long Retries { get; init; }

    /// <summary>Connections opened for requests.</summary>
    public required long Connects { get; init; }
}

/// <summary>Responses by status class.</summary>
internal sealed record ResponseClasses(
    [property: JsonPropertyName("1xx")] long Informational,
    [property: JsonPropertyName("2xx")] long Successful,
    [property: JsonPropertyName("3xx")] long Redirecting,
    [property: JsonPropertyName("4xx")] long ClientErrors,
    [property: JsonPropertyName("5xx")] long ServerErrors);

/// <summary>A period of traffic. Times are until the start of the response, in milliseconds, accurate to an eighth; null without responses.</summary>
/// <param name="Responses">All responses.</param>
/// <param name="Errors">Responses with status 5xx.</param>
/// <param name="P50Ms">The median.</param>
/// <param name="P90Ms">The 90th percentile.</param>
/// <param name="P99Ms">The 99th percentile.</param>
internal sealed record TrafficSpan(long Responses, long Errors, double? P50Ms, double? P90Ms, double? P99Ms);

/// <summary>The response of <c>GET /lb/history</c>: up to an hour, oldest first.</summary>
internal sealed record HistoryResponse
{
    /// <summary>Seconds between two points.</summary>
    public required int PeriodSeconds { get; init; }

    /// <summary>When the newest point was completed.</summary>
    public required DateTimeOffset End { get; init; }

    public required IReadOnlyList<double> RequestsPerSecond { get; init; }

    /// <summary>Responses with status 5xx.</summary>
    public required IReadOnlyList<double> ErrorsPerSecond { get; init; }

    /// <summary>The 99th percentile; null without responses.</summary>
    public required IReadOnlyList<double?> P99Ms { get; init; }
}
