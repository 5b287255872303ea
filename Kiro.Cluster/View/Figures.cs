using System.Globalization;

namespace Kiro.Cluster.View;

/// <summary>Formats figures without spaces, so that scripts can split the columns.</summary>
internal static class Figures
{
    private const string Unknown = "-";

    public static string Milliseconds(double? value) => value switch
    {
        null => Unknown,
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{value:0.0}ms"),
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{value:0}ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0}s"),
    };

    public static string Percent(double? fraction) =>
        fraction is null ? Unknown : string.Create(CultureInfo.InvariantCulture, $"{fraction * 100:0.0}%");

    public static string Rate(double? value) =>
        value is null ? Unknown : value.Value.ToString(value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);

    public static string Count(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    public static string Span(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9)) switch
    {
        { TotalMinutes: < 1 } span => $"{span.Seconds} s",
        { TotalHours: < 1 } span => $"{span.Minutes} min",
        { TotalDays: < 1 } span => $"{span.Hours} h {span.Minutes} min",
        var span => $"{span.Days} d {span.Hours} h",
    };
}
