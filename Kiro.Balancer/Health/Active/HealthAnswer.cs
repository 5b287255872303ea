using System.Text.Json;
using Kiro.ServiceDefaults.Printing;

namespace Kiro.Balancer.Health.Active;

/// <summary>What Kiro reads in a node's health answer: <c>{"status":"…","node":"…"}</c>. Any other body is fine, too.</summary>
internal readonly record struct HealthAnswer(string? Status, string? Node)
{
    private const int LongestName = 100;

    public static HealthAnswer Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new HealthAnswer(Text(document.RootElement, "status"), Text(document.RootElement, "node"))
                : default;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // The latter: a string that is no valid Unicode, which only shows when it is read.
            return default;
        }
    }

    // Both are shown in terminals, logs and pages.
    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { Length: <= LongestName } text && PrintableText.Of(text).Trim() is { Length: > 0 } word ? word : null;
}
