using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The JSON of all of the balancer's own responses.</summary>
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
/// The balancer's own errors as problem details (RFC 9457). They have no types of their own, so the type is <c>about:blank</c> and the title the
/// reason phrase. <c>error</c> repeats the detail for older clients.
/// </summary>
internal static class ProblemResponse
{
    public const string ContentType = "application/problem+json";

    /// <summary>The complete response body.</summary>
    /// <param name="status">A status of 400 or above.</param>
    /// <param name="detail">What is wrong, in one line.</param>
    public static byte[] Body(int status, string detail) =>
        JsonSerializer.SerializeToUtf8Bytes(Details(status, detail), ContractJson.Default.ProblemDetails);

    /// <summary>An endpoint's result.</summary>
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

/// <summary>The response to an order that was carried out.</summary>
/// <param name="Id">The node.</param>
/// <param name="State">Its new state.</param>
/// <param name="Error">Always null: a refused order gets a <see cref="ProblemResponse"/>.</param>
/// <param name="Sessions">The number of clients with a session on it; omitted without session affinity.</param>
internal sealed record OrderResponse(
    string Id, string State, string? Error = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Sessions = null);

/// <summary>The body of <c>POST /lb/backends/{id}/weight</c>.</summary>
/// <param name="Weight">The weight; null restores that of discovery.</param>
internal sealed record WeightRequest([property: JsonRequired] double? Weight);

/// <summary>The settings in force, and the response of <c>POST /lb/reload</c>.</summary>
/// <param name="Generation">1 at the start, incremented by every reload that changes something.</param>
/// <param name="TakenAt">When this generation came into force.</param>
/// <param name="Changed">The variables that differ from the previous generation.</param>
/// <param name="Pending">The variables that have changed but require a restart.</param>
/// <param name="IsRefused">Whether the last reload was refused because of an invalid value; see <c>warnings</c>.</param>
internal sealed record ReloadedStatus(
    int Generation, DateTimeOffset TakenAt, IReadOnlyList<string> Changed, IReadOnlyList<string> Pending, bool IsRefused)
{
    public static ReloadedStatus Of(Kiro.ServiceDefaults.Settings.ReloadStatus status) =>
        new(status.Generation, status.TakenAt, status.Changed, status.Pending, IsRefused: status.Problems.Count > 0);
}

/// <summary>The response of <c>GET /lb/config</c>: what <c>--check</c> prints.</summary>
/// <param name="Settings">By name; secrets are masked.</param>
/// <param name="Warnings">Settings that are valid but probably unintended.</param>
internal sealed record ConfigStatus(IReadOnlyList<EffectiveSetting> Settings, IReadOnlyList<string> Warnings);
