using System.Globalization;
using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Smuggling;

/// <summary>How a node parses requests: strictly, or as vulnerable servers have done.</summary>
/// <param name="TakesLineFeeds">A bare LF or CR ends a line.</param>
/// <param name="TrimsNames">Whitespace around a name is ignored, and a line that starts with it is a field.</param>
/// <param name="TakesUnderscores">Underscores in names are hyphens, as in CGI.</param>
/// <param name="LengthWins">Content-Length overrides Transfer-Encoding.</param>
/// <param name="LastWins">The last of several fields counts, and the last member of a list.</param>
/// <param name="ReadsLoosely">A length is what <c>strtol</c> accepts, a coding anything that contains "chunked".</param>
internal sealed partial record NodeReader(
    bool TakesLineFeeds = false, bool TrimsNames = false, bool TakesUnderscores = false, bool LengthWins = false, bool LastWins = false, bool ReadsLoosely = false)
{
    public static IReadOnlyList<NodeReader> Lenient { get; } =
    [
        new(TakesLineFeeds: true), new(TrimsNames: true), new(TakesUnderscores: true), new(LengthWins: true), new(LastWins: true), new(ReadsLoosely: true),
        new(true, true, true, true, true, true), new(true, true, true, false, false, true),
    ];

    /// <summary>The targets of the requests on a connection.</summary>
    /// <param name="text">All received bytes, as Latin-1.</param>
    /// <param name="complete">How many requests are complete.</param>
    /// <param name="consumed">Their total length.</param>
    public List<string> Read(string text, out int complete, out int consumed)
    {
        var (targets, place) = (new List<string>(), 0);
        (complete, consumed) = (0, 0);
        while (HeadEnd().Match(text, place) is { Success: true } end)
        {
            var lines = LineEnd().Split(text[place..end.Index]);
            place = end.Index + end.Length;
            targets.Add(string.Join(' ', lines[0].Split(' ').Skip(1).Take(1)));
            var fields = lines.Skip(1).Select(Field).ToList();
            var codings = Values(fields, "transfer-encoding");
            var lengths = Values(fields, "content-length");
            var isChunked = codings.Count > 0 && (ReadsLoosely
                ? codings.Any(coding => coding.Contains("chunked", StringComparison.OrdinalIgnoreCase))
                : Pick(codings).Equals("chunked", StringComparison.OrdinalIgnoreCase));
            if (isChunked && !(LengthWins && lengths.Count > 0))
            {
                place = ChunksEnd(text, place);
            }
            else if (lengths.Count > 0)
            {
                place += Number().Match(Pick(lengths)) is { Success: true } length ? (int)long.Parse(length.Value, CultureInfo.InvariantCulture) : 0;
            }

            if (place < 0 || place > text.Length)
            {
                break;
            }

            (complete, consumed) = (complete + 1, place);
        }

        return targets;
    }

    private Regex LineEnd() => TakesLineFeeds ? AnyEnd() : StrictEnd();

    private Regex HeadEnd() => TakesLineFeeds ? AnyHeadEnd() : StrictHeadEnd();

    private (string Name, string Value) Field(string line)
    {
        var parts = line.Split(':', 2);
        var name = TrimsNames ? parts[0].Trim(' ', '\t', '\0', '\v', '\f', '\r') : parts[0];
        return ((TakesUnderscores ? name.Replace('_', '-') : name).ToLowerInvariant(), parts.Length > 1 ? parts[1].Trim(' ', '\t') : "");
    }

    private static List<string> Values(List<(string Name, string Value)> fields, string name) =>
        [.. fields.Where(field => field.Name == name).Select(field => field.Value)];

    private string Pick(List<string> values) => LastWins ? values[^1].Split(',')[^1].Trim() : values[0].Split(',')[0].Trim();

    // -1 if it is incomplete.
    private int ChunksEnd(string text, int place)
    {
        var line = TakesLineFeeds ? AnyEnd() : StrictEnd();
        while (line.Match(text, place) is { Success: true } end)
        {
            var digits = (ReadsLoosely ? LooseSize() : Size()).Match(text[place..end.Index]).Groups[1].Value;
            place = end.Index + end.Length;
            if (digits.Length == 0 || !long.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var size))
            {
                return -1;
            }

            if (size == 0)
            {
                var trailers = (TakesLineFeeds ? AnyTrailers() : StrictTrailers()).Match(text, place);
                return trailers.Success ? place + trailers.Length : -1;
            }

            place += (int)Math.Min(size, int.MaxValue / 2);
            if (place > text.Length || line.Match(text, place) is not { Success: true } after)
            {
                return -1;
            }

            place = after.Index == place ? place + after.Length : place;
        }

        return -1;
    }

    [GeneratedRegex(@"\r\n")]
    private static partial Regex StrictEnd();

    [GeneratedRegex(@"\r\n|\n|\r(?!\n)")]
    private static partial Regex AnyEnd();

    [GeneratedRegex(@"\r\n\r\n")]
    private static partial Regex StrictHeadEnd();

    [GeneratedRegex(@"(\r\n|\n|\r(?!\n))(\r\n|\n|\r(?!\n))")]
    private static partial Regex AnyHeadEnd();

    [GeneratedRegex(@"\G([^\r\n]+\r\n)*\r\n")]
    private static partial Regex StrictTrailers();

    [GeneratedRegex(@"\G([^\r\n]+(\r\n|\n|\r(?!\n)))*(\r\n|\n|\r(?!\n))")]
    private static partial Regex AnyTrailers();

    [GeneratedRegex(@"\A([0-9a-fA-F]+)[ \t]*(;.*)?\z")]
    private static partial Regex Size();

    [GeneratedRegex(@"\A[\s+]*(?:0[xX])?([0-9a-fA-F]+)")]
    private static partial Regex LooseSize();

    [GeneratedRegex(@"[0-9]{1,9}")]
    private static partial Regex Number();
}
