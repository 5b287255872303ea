using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

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
