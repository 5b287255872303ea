using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Peers;

/// <summary>What an operator wants of a node. The last one of its kind wins, and orders are never changed.</summary>
/// <param name="Backend">The node's id.</param>
/// <param name="Kind"><see cref="Drain"/>, <see cref="Weight"/>, or one that only newer versions know: it is passed on.</param>
/// <param name="Value">How; null takes the order back.</param>
/// <param name="Date">When, by the <see cref="HybridClock"/>.</param>
/// <param name="By">The id of the balancer that was told.</param>
internal sealed record Order(string Backend, string Kind, string? Value, long Date, string By)
{
    /// <summary>The node is to get no new requests. Its value: how it drains.</summary>
    public const string Drain = "drain";

    /// <summary>The node's weight, as a number.</summary>
    public const string Weight = "weight";

    // A DNS name has at most 253 characters.
    private const int MaxBackend = 300;
    private const int MaxText = 64;

    /// <summary>Whether it can be one: it may come from anywhere.</summary>
    [JsonIgnore]
    public bool IsValid =>
        IsText(Backend, MaxBackend) && IsText(Kind, MaxText) && IsText(By, MaxText) && (Value is null || IsText(Value, MaxText))
        && Date is > 0 and < long.MaxValue / 2 && (Kind != Weight || Value is null || WeightOf(Value) is not null);

    /// <summary>Whether it wins over another about the same. Two balancers always find the same.</summary>
    public bool IsAfter(Order other) =>
        Date != other.Date ? Date > other.Date
        : By != other.By ? string.CompareOrdinal(By, other.By) > 0
        : string.CompareOrdinal(Value, other.Value) > 0;

    /// <summary>Stands for the whole order in a digest.</summary>
    public ulong Hash() => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Backend}\n{Kind}\n{Value}\n{Date}\n{By}")));

    /// <summary>As the value of an order.</summary>
    public static string? TextOf(double? weight) => weight?.ToString("R", CultureInfo.InvariantCulture);

    /// <returns>Null when it is none.</returns>
    public static double? WeightOf(string? value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && BackendWeight.IsValid(weight) ? weight : null;

    private static bool IsText(string? text, int max) => text is { Length: > 0 } && text.Length <= max && !text.AsSpan().ContainsAnyInRange('\0', ' ');
}
