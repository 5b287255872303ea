using System.Text.Json;
using Kiro.ServiceDefaults.Printing;

namespace Kiro.Balancer.Health.Active;

/// <summary>What Kiro reads in a node's health response:
/// <c>{"status":"…","node":"…","reason":"…","database":"…","concurrent":true}</c>. Any other body is fine, too.</summary>
internal readonly record struct HealthResponse(
    string? Status, string? Node, string? Reason = null, string? Database = null, bool IsConcurrent = false)
{
    private const int MaxWord = 100;
    private const int MaxReason = 500;

    /// <summary>What is wrong with a node that serves all the same; null when it says that nothing is.</summary>
    public string? Degradation => Status != "degraded" ? null : Reason ?? (Database is "down" ? "its database is unavailable" : "it gives no reason");

    public static HealthResponse Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new HealthResponse(
                    Text(document.RootElement, "status"), Text(document.RootElement, "node"),
                    Text(document.RootElement, "reason", MaxReason), Text(document.RootElement, "database"),
                    document.RootElement.TryGetProperty("concurrent", out var concurrent) && concurrent.ValueKind == JsonValueKind.True)
                : default;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // The latter: a string that is no valid Unicode, which only shows when it is read.
            return default;
        }
    }

    // All are shown in terminals, logs and pages.
    private static string? Text(JsonElement json, string name, int maxLength = MaxWord) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { } text && text.Length <= maxLength && PrintableText.Of(text).Trim() is { Length: > 0 } word ? word : null;
}
