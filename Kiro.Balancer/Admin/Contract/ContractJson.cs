using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.ServiceDefaults.Settings;
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

/// <summary>The response to an operator's order that was carried out.</summary>
/// <param name="Id">The node.</param>
/// <param name="State">Its state afterwards.</param>
/// <param name="Error">Always null: an order that is refused gets a <see cref="ProblemResponse"/>.</param>
/// <param name="Sessions">How many clients have a session with it, which a drain lets end; left out when sessions do not stay.</param>
internal sealed record OrderResponse(
    string Id, string State, string? Error = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Sessions = null);

/// <summary>The body of <c>POST /lb/backends/{id}/weight</c>.</summary>
/// <param name="Weight">The weight; null for the one that discovery gives the node.</param>
internal sealed record WeightRequest([property: JsonRequired] double? Weight);

/// <summary>Which settings are in force; the response of <c>POST /lb/reload</c>, too.</summary>
/// <param name="Generation">Counts from 1, the start; one more with every reload that changed something.</param>
/// <param name="TakenAt">When this generation was taken.</param>
/// <param name="Changed">The variables that differ from the generation before.</param>
/// <param name="Pending">The variables that were set to something else, but cannot change while the balancer runs.</param>
/// <param name="IsRefused">Whether the last reload was refused because of a bad value; <c>warnings</c> says which.</param>
internal sealed record ReloadedStatus(
    int Generation, DateTimeOffset TakenAt, IReadOnlyList<string> Changed, IReadOnlyList<string> Pending, bool IsRefused)
{
    public static ReloadedStatus Of(Kiro.ServiceDefaults.Settings.ReloadStatus status) =>
        new(status.Generation, status.TakenAt, status.Changed, status.Pending, IsRefused: status.Problems.Count > 0);
}

/// <summary>The response of <c>GET /lb/config</c>: what <c>--check</c> prints.</summary>
/// <param name="Settings">By name; secrets are hidden.</param>
/// <param name="Warnings">What is allowed but hardly meant.</param>
internal sealed record ConfigStatus(IReadOnlyList<EffectiveSetting> Settings, IReadOnlyList<string> Warnings);
