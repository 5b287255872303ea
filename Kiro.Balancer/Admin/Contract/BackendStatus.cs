using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>A node.</summary>
internal sealed record BackendStatus
{
    /// <summary>What is hashed: <c>host:port</c>.</summary>
    public required string Id { get; init; }

    /// <summary>A host name or an address.</summary>
    public required string Host { get; init; }

    /// <summary>From 1 to 65535.</summary>
    public required int Port { get; init; }

    /// <summary>The name that it gives itself; null while it is unknown.</summary>
    public required string? Node { get; init; }

    /// <summary><c>starting</c>, <c>up</c>, <c>down</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    /// <summary>Whether it is up.</summary>
    public required bool Healthy { get; init; }

    /// <summary>Whether the last probe got any response.</summary>
    public required bool Reachable { get; init; }

    /// <summary>How long the last answered probe took, in whole milliseconds, such as <c>2ms</c>.</summary>
    public required string? Latency { get; init; }

    /// <summary>The same as a number.</summary>
    public required double? LatencyMs { get; init; }

    /// <summary><c>failing</c> when it is up but answers at least a tenth of its requests with an error (5xx); <c>degraded</c> when it is
    /// up but says itself that something is wrong; else null.</summary>
    public required string? Status { get; init; }

    /// <summary>Then what is wrong, in plain words or its own.</summary>
    public required string? Reason { get; init; }

    /// <summary>Since when; null when it is neither.</summary>
    public required DateTimeOffset? StatusSince { get; init; }

    /// <summary>Why it is not simply up, in plain words.</summary>
    public required string? Error { get; init; }

    /// <summary>When the last probe ended.</summary>
    public required DateTimeOffset? LastCheck { get; init; }

    /// <summary>Since when it is in its state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Its share relative to the others.</summary>
    public required double Weight { get; init; }

    /// <summary>The share of all clients that belong to it now, as a fraction of 1: what to expect.</summary>
    public required double Share { get; init; }

    /// <summary>Requests under way at it.</summary>
    public required int InFlight { get; init; }

    /// <summary>Requests given to it, each try counted.</summary>
    public required long Requests { get; init; }

    /// <summary>Those that it did not answer.</summary>
    public required long Failures { get; init; }

    /// <summary>Over the last ten seconds.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>How many of the recent clients belong to it now: what it is.</summary>
    public required long Clients { get; init; }

    /// <summary>How many clients have a session with it: were here within <c>SESSION_IDLE</c>. Null when sessions do not stay.</summary>
    public required long? Sessions { get; init; }

    /// <summary>How many of these only their session keeps here: to whom the hash gives another node by now.</summary>
    public required long? KeptBySessions { get; init; }

    /// <summary>The weight that an operator gave it; null when none did.</summary>
    public required double? OperatorWeight { get; init; }

    /// <summary>Whether an operator wants it to drain.</summary>
    public required bool DrainedByOperator { get; init; }

    /// <summary>Whether an operator drains it and lets its sessions end first.</summary>
    public required bool LetsSessionsEnd { get; init; }

    /// <summary>Then when it is evacuated, whoever is left; null for never.</summary>
    public required DateTimeOffset? SessionsUntil { get; init; }

    /// <summary>Whether it was ever up: one that was not is awaited rather than missed.</summary>
    public required bool HasBeenUp { get; init; }

    /// <summary>The last probes in milliseconds, oldest first; null for one that got no response.</summary>
    public required IReadOnlyList<double?> LatencyHistory { get; init; }

    /// <summary>What it answered.</summary>
    public required TrafficStatus Traffic { get; init; }

    /// <summary>Responses per second over the last five minutes, in points of ten seconds, oldest first.</summary>
    public required IReadOnlyList<double> ResponseHistory { get; init; }

    /// <summary>Of those, the ones with a status from 500 on.</summary>
    public required IReadOnlyList<double> ErrorHistory { get; init; }
}

/// <summary>Responses since the start, or since the node is known: of a node, or of all with the balancer's own.</summary>
internal sealed record TrafficStatus
{
    /// <summary>By the class of their status.</summary>
    public required ResponseClasses Responses { get; init; }

    /// <summary>The last ten seconds.</summary>
    public required TrafficSpan Last10Seconds { get; init; }

    /// <summary>The last five minutes.</summary>
    public required TrafficSpan Last5Minutes { get; init; }

    /// <summary>Bytes that went to nodes.</summary>
    public required long BytesIn { get; init; }

    /// <summary>Bytes that came from nodes.</summary>
    public required long BytesOut { get; init; }

    /// <summary>Requests that failed here and went on to another node.</summary>
    public required long Retries { get; init; }

    /// <summary>Connections that were opened for requests.</summary>
    public required long Connects { get; init; }
}

/// <summary>Responses by the class of their status.</summary>
internal sealed record ResponseClasses(
    [property: JsonPropertyName("1xx")] long Informational,
    [property: JsonPropertyName("2xx")] long Successful,
    [property: JsonPropertyName("3xx")] long Redirecting,
    [property: JsonPropertyName("4xx")] long ClientErrors,
    [property: JsonPropertyName("5xx")] long ServerErrors);

/// <summary>A while of traffic. The times are until a response began, in milliseconds, within an eighth; null without any.</summary>
/// <param name="Responses">All responses.</param>
/// <param name="Errors">Those with a status from 500 on.</param>
/// <param name="P50Ms">What half of the requests took at most.</param>
/// <param name="P90Ms">Nine in ten.</param>
/// <param name="P99Ms">99 in a hundred.</param>
internal sealed record TrafficSpan(long Responses, long Errors, double? P50Ms, double? P90Ms, double? P99Ms);

/// <summary>The response of <c>GET /lb/history</c>: up to an hour, oldest first.</summary>
internal sealed record HistoryResponse
{
    /// <summary>From one point to the next.</summary>
    public required int PeriodSeconds { get; init; }

    /// <summary>When the newest point ended.</summary>
    public required DateTimeOffset End { get; init; }

    public required IReadOnlyList<double> RequestsPerSecond { get; init; }

    /// <summary>Responses with a status from 500 on.</summary>
    public required IReadOnlyList<double> ErrorsPerSecond { get; init; }

    /// <summary>What 99 in 100 requests took at most; null when there were none.</summary>
    public required IReadOnlyList<double?> P99Ms { get; init; }
}
