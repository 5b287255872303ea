using System.Text;
using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>A naive check, by regular expressions, for an unambiguous response head: a reference for the parser.</summary>
internal static partial class NaiveHead
{
    /// <returns>The head, or null when there is none, or none to be accepted.</returns>
    public static string? Read(byte[] bytes)
    {
        var text = Encoding.Latin1.GetString(bytes);
        var end = End().Match(text);
        var head = end.Success ? text[..(end.Index + 1)] : "";
        if (!Head().IsMatch(head))
        {
            return null;
        }

        var (lengths, codings) = (Lengths().Matches(head), Codings().Matches(head));
        return lengths.Count <= 1 && codings.Count <= 1
            && lengths.All(length => Number().IsMatch(length.Groups[1].Value)) && codings.All(coding => coding.Groups[1].Value.Trim(' ', '\t').Equals("chunked", StringComparison.OrdinalIgnoreCase))
            ? text[..(end.Index + end.Length)] : null;
    }

    [GeneratedRegex(@"\n\r?\n")]
    private static partial Regex End();

    [GeneratedRegex(@"\AHTTP/1\.[0-9] [1-9][0-9]{2}( [^\0-\x08\x0a-\x1f\x7f]*)?\r?\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0-\x08\x0a-\x1f\x7f]*\r?\n)*\z")]
    private static partial Regex Head();

    [GeneratedRegex(@"(?<=\n)Content-Length:([^\r\n]*)\r?\n", RegexOptions.IgnoreCase)]
    private static partial Regex Lengths();

    [GeneratedRegex(@"(?<=\n)Transfer-Encoding:([^\r\n]*)\r?\n", RegexOptions.IgnoreCase)]
    private static partial Regex Codings();

    [GeneratedRegex(@"\A[ \t]*0*[0-9]{1,17}[ \t]*\z")]
    private static partial Regex Number();
}
