using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Character classes of field names and values (RFC 9110, section 5).</summary>
internal static class HttpSyntax
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenCharacters));
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(TokenCharacters);
    private static readonly SearchValues<char> ControlChars =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (char)value)]);

    // Control characters except HTAB.
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (byte)value)]);

    /// <summary>Length of the leading token.</summary>
    public static int TokenLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(TokenBytes) is >= 0 and var end ? end : bytes.Length;

    /// <summary>Length of the leading field-value text: up to the first control character other than HTAB.</summary>
    public static int TextLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAny(Controls) is >= 0 and var end ? end : bytes.Length;

    public static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenChars);

    /// <inheritdoc cref="IsText(ReadOnlySpan{byte})"/>
    public static bool IsText(string text) => !text.AsSpan().ContainsAny(ControlChars);

    /// <summary>Whether the bytes are valid as a field value or reason phrase: no control characters except HTAB.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAny(Controls);
}

/// <summary>
/// Extracts path and query byte for byte. Decoding and re-encoding would change their meaning for the backend (<c>%2F</c>, <c>%20</c> versus
/// <c>+</c>, double slashes).
/// </summary>
internal static class OriginForm
{
    /// <returns>The origin form: <c>/path?query</c>, or <c>*</c> for a server-wide OPTIONS request.</returns>
    public static string Of(string target, string method)
    {
        if (target.StartsWith('/') || (target == "*" && method == HttpMethods.Options))
        {
            return target;
        }

        // Absolute form (RFC 9112, section 3.2.2), validated by Kestrel.
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0)
        {
            // Without a path, OPTIONS is server-wide (RFC 9112, section 3.2.4).
            return method == HttpMethods.Options ? "*" : "/";
        }

        target = target[(authority + 3 + path)..];
        return target.StartsWith('?') ? "/" + target : target;
    }

    /// <returns>The authority of an absolute-form target; empty for any other form.</returns>
    public static ReadOnlySpan<char> AuthorityOf(string target)
    {
        var start = target.StartsWith('/') ? -1 : target.IndexOf("://", StringComparison.Ordinal);
        if (start < 0)
        {
            return [];
        }

        var rest = target.AsSpan(start + 3);
        return rest.IndexOfAny('/', '?') is >= 0 and var end ? rest[..end] : rest;
    }

    /// <summary>Whether the authority of an absolute-form target has userinfo, which is an error (RFC 9110, section 4.2.4).</summary>
    public static bool HasUserinfo(string target) => AuthorityOf(target).Contains('@');
}

/// <summary>Fields that a Connection field names as hop-by-hop (RFC 9110, section 7.6.1).</summary>
internal static class ConnectionOptions
{
    /// <summary>The named fields to drop: options of Connection itself and framing fields are not among them.</summary>
    public static IEnumerable<string> FieldsNamedIn(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var name in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!IsOwn(name))
                {
                    yield return name;
                }
            }
        }
    }

    /// <summary>Whether an option is not the name of a field to drop: naming a framing field must not change the framing.</summary>
    public static bool IsOwn(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase)
        || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
        || name.Equals("TE", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}

/// <summary>The authority of a request: <c>uri-host [ ":" port ]</c> (RFC 3986, section 3.2; RFC 9110, section 7.2), without userinfo.</summary>
internal static class Authority
{
    private const int MaxPort = 65535;
    private const int MaxStackBytes = 256;

    // unreserved and sub-delims; percent-encoding is checked separately.
    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create(Encoding.ASCII.GetBytes("-._~!$&'()*+,;=%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));

    /// <param name="value">Not empty.</param>
    public static bool IsValid(ReadOnlySpan<byte> value)
    {
        int end;
        if (value[0] == '[')
        {
            end = value.IndexOf((byte)']') + 1;
            if (end == 0 || !IsIPv6(value[1..(end - 1)]))
            {
                return false;
            }
        }
        else
        {
            end = value.IndexOfAnyExcept(NameBytes);
            end = end < 0 ? value.Length : end;
            if (end == 0 || !IsPercentEncoded(value[..end]))
            {
                return false;
            }
        }

        return end == value.Length || (value[end] == ':' && IsPort(value[(end + 1)..]));
    }

    /// <inheritdoc cref="IsValid(ReadOnlySpan{byte})"/>
    /// <param name="value">Not empty. Characters outside Latin-1 are invalid.</param>
    public static bool IsValid(string value)
    {
        Span<byte> bytes = value.Length <= MaxStackBytes ? stackalloc byte[MaxStackBytes] : new byte[value.Length];
        return IsValid(bytes[..Encoding.Latin1.GetBytes(value, bytes)]);
    }

    // A zone id ("%eth0") is only meaningful on one machine.
    private static bool IsIPv6(ReadOnlySpan<byte> address) => !address.Contains((byte)'%') && address.Contains((byte)':') && IPAddress.IsValidUtf8(address);

    private static bool IsPercentEncoded(ReadOnlySpan<byte> name)
    {
        while (name.IndexOf((byte)'%') is >= 0 and var index)
        {
            if (index + 2 >= name.Length || !char.IsAsciiHexDigit((char)name[index + 1]) || !char.IsAsciiHexDigit((char)name[index + 2]))
            {
                return false;
            }

            name = name[(index + 3)..];
        }

        return true;
    }

    // An empty port means the default one (RFC 3986, section 3.2.3).
    private static bool IsPort(ReadOnlySpan<byte> digits)
    {
        var port = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit) || (port = port * 10 + digit - '0') > MaxPort)
            {
                return false;
            }
        }

        return true;
    }
}
