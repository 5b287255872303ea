using System.Globalization;

namespace Kiro.Balancer.Health.Active;

/// <summary>Which statuses of a health response pass: <c>200-299</c>, <c>200-204,301</c>.</summary>
internal sealed class StatusRanges : IEquatable<StatusRanges>
{
    private const int Min = 200;
    private const int Max = 599;
    private readonly string _text;
    private readonly (int First, int Last)[] _ranges;

    private StatusRanges(string text, (int First, int Last)[] ranges) => (_text, _ranges) = (text, ranges);

    /// <summary>2xx.</summary>
    public static StatusRanges Usual { get; } = Parse("200-299")!;

    /// <returns>Null when these are no statuses from 200 to 599, or ranges of them.</returns>
    public static StatusRanges? Parse(string text)
    {
        var ranges = new List<(int, int)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length > 2 || ParseStatus(ends[0]) is not { } first || ParseStatus(ends[^1]) is not { } last || first > last)
            {
                return null;
            }

            ranges.Add((first, last));
        }

        return new StatusRanges(text, [.. ranges]);
    }

    public bool Contains(int status) => Array.Exists(_ranges, range => status >= range.First && status <= range.Last);

    public bool Equals(StatusRanges? other) => other is not null && _ranges.AsSpan().SequenceEqual(other._ranges);

    public override bool Equals(object? obj) => Equals(obj as StatusRanges);

    public override int GetHashCode() => _ranges.Length == 0 ? 0 : _ranges[0].GetHashCode();

    public override string ToString() => _text;

    private static int? ParseStatus(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= Min and <= Max ? status : null;
}
