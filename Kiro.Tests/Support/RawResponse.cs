using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>A response as received on the wire.</summary>
/// <param name="Head">The status line and the header fields.</param>
/// <param name="Body">The body without its framing.</param>
/// <param name="Trailers">The trailer fields after the last chunk.</param>
/// <param name="IsComplete">False if the connection closed before the end of the body.</param>
internal sealed record RawResponse(string Head, string Body, string Trailers, bool IsComplete)
{
    public string StatusLine => RawHead.StartLine(Head);

    public int Status => int.Parse(StatusLine.Split(' ')[1], CultureInfo.InvariantCulture);

    public string? Value(string name) => RawHead.Value(Head, name);

    public IReadOnlyList<string> Values(string name) => RawHead.Values(Head, name);

    public bool Has(string name) => RawHead.Has(Head, name);
}

/// <summary>Reads fields from the raw head of a message.</summary>
internal static class RawHead
{
    /// <summary>The values of a field, one per field line, in order.</summary>
    public static IReadOnlyList<string> Values(string head, string name) =>
    [
        .. head.Split("\r\n").Skip(1)
            .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim(' ')),
    ];

    /// <summary>The value of a field that occurs at most once; null if it does not.</summary>
    public static string? Value(string head, string name)
    {
        var values = Values(head, name);
        Assert.True(values.Count <= 1, $"{name} occurs {values.Count} times:\n{head}");
        return values.Count == 0 ? null : values[0];
    }

    public static bool Has(string head, string name) => Values(head, name).Count > 0;

    public static string StartLine(string head) => head.Split("\r\n")[0];
}
