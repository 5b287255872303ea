using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Peers;

/// <summary>An operator's order for a backend. The last one of a kind wins; orders are immutable.</summary>
/// <param name="Backend">The backend's id.</param>
/// <param name="Kind"><see cref="Drain"/>, <see cref="Weight"/>, or a kind of a newer version, which is passed on.</param>
/// <param name="Value">The value; null revokes the order.</param>
/// <param name="Date">By the <see cref="HybridClock"/>.</param>
/// <param name="By">The id of the balancer that issued it.</param>
internal sealed record Order(string Backend, string Kind, string? Value, long Date, string By)
{
    /// <summary>The value is a <see cref="DrainOrder"/>.</summary>
    public const string Drain = "drain";

    /// <summary>The value is a number.</summary>
    public const string Weight = "weight";

    // A DNS name has at most 253 characters.
    private const int MaxBackend = 300;
    private const int MaxText = 64;

    /// <summary>Validates an order from a peer or a file.</summary>
    [JsonIgnore]
    public bool IsValid =>
        IsText(Backend, MaxBackend) && IsText(Kind, MaxText) && IsText(By, MaxText) && (Value is null || IsText(Value, MaxText))
        && Date is > 0 and < long.MaxValue / 2 && (Kind != Weight || Value is null || WeightOf(Value) is not null);

    /// <summary>Whether it replaces another order of its kind. A total order, the same on all balancers.</summary>
    public bool IsAfter(Order other) =>
        Date != other.Date ? Date > other.Date
        : By != other.By ? string.CompareOrdinal(By, other.By) > 0
        : string.CompareOrdinal(Value, other.Value) > 0;

    /// <summary>For a digest.</summary>
    public ulong Hash() => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Backend}\n{Kind}\n{Value}\n{Date}\n{By}")));

    public static string? TextOf(double? weight) => weight?.ToString("R", CultureInfo.InvariantCulture);

    /// <returns>Null if it is invalid.</returns>
    public static double? WeightOf(string? value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && BackendWeight.IsValid(weight) ? weight : null;

    private static bool IsText(string? text, int max) => text is { Length: > 0 } && text.Length <= max && !text.AsSpan().ContainsAnyInRange('\0', ' ');
}

/// <summary>How to drain a backend: the value of a <see cref="Order.Drain"/> order.</summary>
/// <param name="LetsSessionsEnd">Whether to wait for its sessions to end.</param>
/// <param name="Until">The deadline for that; null for none.</param>
internal readonly record struct DrainOrder(bool LetsSessionsEnd, DateTimeOffset? Until)
{
    private const string AtOnce = "evacuate";
    private const string Sessions = "drain";

    /// <summary>Without regard to sessions.</summary>
    public static DrainOrder Evacuate => default;

    /// <returns>Null for no order. An unknown value, of a newer version, is an <see cref="Evacuate"/>.</returns>
    public static DrainOrder? Parse(string? value) => value switch
    {
        null => null,
        Sessions => new DrainOrder(true, null),
        _ when value.StartsWith(Sessions + ":", StringComparison.Ordinal)
            && long.TryParse(value.AsSpan(Sessions.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            => new DrainOrder(true, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)),
        _ => Evacuate,
    };

    public override string ToString() => !LetsSessionsEnd ? AtOnce
        : Until is { } until ? string.Create(CultureInfo.InvariantCulture, $"{Sessions}:{until.ToUnixTimeMilliseconds()}")
        : Sessions;
}
