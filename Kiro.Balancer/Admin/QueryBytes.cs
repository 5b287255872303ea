using System.Text;

namespace Kiro.Balancer.Admin;

/// <summary>A parameter of a query as the bytes that it stands for, for what is compared with bytes of a request: read as text,
/// <c>%C3%A9</c> would become one letter, and <c>%E9</c> none.</summary>
internal static class QueryBytes
{
    /// <param name="query">As it came, with or without its question mark.</param>
    /// <param name="name">Of the parameter.</param>
    /// <returns>Its bytes, as Latin-1; null when it is not there.</returns>
    public static string? Of(QueryString query, string name)
    {
        var text = query.Value.AsSpan().TrimStart('?');
        foreach (var range in text.Split('&'))
        {
            var parameter = text[range];
            var equals = parameter.IndexOf('=');
            var key = equals < 0 ? parameter : parameter[..equals];
            if (key.SequenceEqual(name))
            {
                return Decode(equals < 0 ? [] : parameter[(equals + 1)..]);
            }
        }

        return null;
    }

    // A % without two digits stands for itself, as it does to the framework.
    private static string Decode(ReadOnlySpan<char> value)
    {
        var bytes = new StringBuilder(value.Length);
        for (var at = 0; at < value.Length; at++)
        {
            if (value[at] == '%' && at + 2 < value.Length && char.IsAsciiHexDigit(value[at + 1]) && char.IsAsciiHexDigit(value[at + 2]))
            {
                bytes.Append((char)Convert.FromHexString(value.Slice(at + 1, 2))[0]);
                at += 2;
            }
            else
            {
                bytes.Append(value[at] == '+' ? ' ' : value[at]);
            }
        }

        return bytes.ToString();
    }
}
