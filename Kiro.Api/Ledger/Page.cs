using System.Globalization;

namespace Kiro.Api.Ledger;

/// <summary>A part of a long list.</summary>
internal sealed record Page(int Limit, int Offset)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Reads <c>limit</c> and <c>offset</c>; null with a sentence for the caller when one cannot be used.</summary>
    public static Page? Read(IQueryCollection query, out string? error)
    {
        error = null;
        var page = new Page(
            Number(query["limit"], "limit", DefaultLimit, 1, MaxLimit, ref error),
            Number(query["offset"], "offset", 0, 0, int.MaxValue, ref error));
        return error is null ? page : null;
    }

    private static int Number(string? text, string name, int fallback, int min, int max, ref string? error)
    {
        if (string.IsNullOrEmpty(text))
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
        {
            return value;
        }

        error = string.Create(CultureInfo.InvariantCulture, $"{name} must be a whole number from {min} to {max}.");
        return fallback;
    }
}
