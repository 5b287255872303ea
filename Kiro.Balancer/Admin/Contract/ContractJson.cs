using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>How everything that the balancer itself says is written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusModel))]
[JsonSerializable(typeof(ConfigStatus))]
[JsonSerializable(typeof(ReloadedStatus))]
[JsonSerializable(typeof(ClusterEvent))]
[JsonSerializable(typeof(ClusterEvent[]))]
[JsonSerializable(typeof(WhatIfResponse))]
[JsonSerializable(typeof(HistoryResponse))]
[JsonSerializable(typeof(ClientStatus))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(OrderResponse))]
[JsonSerializable(typeof(WeightRequest))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class ContractJson : JsonSerializerContext;

/// <summary>
/// The balancer's own errors: problem details (RFC 9457). No error has a type of its own, so the type is
/// <c>about:blank</c> and the title the status in words; <c>error</c> repeats the detail for clients of older versions.
/// </summary>
internal static class ProblemResponse
{
    /// <summary>The Content-Type of <see cref="Body"/>.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>A whole response body, for whoever writes the rest of the response.</summary>
    /// <param name="status">An HTTP status from 400 on.</param>
    /// <param name="detail">What is wrong, in one line of plain words.</param>
    public static byte[] Body(int status, string detail) =>
        JsonSerializer.SerializeToUtf8Bytes(Details(status, detail), ContractJson.Default.ProblemDetails);

    /// <summary>The same as the result of an endpoint.</summary>
    public static IResult Result(int status, string detail) =>
        Results.Json(Details(status, detail), ContractJson.Default.ProblemDetails, ContentType, status);

    private static ProblemDetails Details(int status, string detail) => new()
    {
        Type = "about:blank",
        Title = ReasonPhrases.GetReasonPhrase(status),
        Status = status,
        Detail = detail,
        Extensions = { ["error"] = detail },
    };
}
