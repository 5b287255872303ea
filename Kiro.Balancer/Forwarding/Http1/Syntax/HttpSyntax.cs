using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Which bytes may stand where (RFC 9110, section 5).</summary>
internal static class HttpSyntax
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenCharacters));
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(TokenCharacters);
    private static readonly SearchValues<char> ControlChars =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (char)value)]);

    // All controls but the tab.
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (byte)value)]);

    /// <summary>The length of the token that the bytes begin with.</summary>
    public static int TokenLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(TokenBytes) is >= 0 and var end ? end : bytes.Length;

    /// <summary>The length of the text that the bytes begin with: up to the first control that is no tab.</summary>
    public static int TextLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAny(Controls) is >= 0 and var end ? end : bytes.Length;

    public static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenChars);

    /// <summary>The same for a value that is a text already.</summary>
    public static bool IsText(string text) => !text.AsSpan().ContainsAny(ControlChars);

    /// <summary>Whether the bytes can be a field's value or a reason: no controls but tabs.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAny(Controls);
}

/// <summary>Whom a request is for: <c>uri-host [ ":" port ]</c> (RFC 3986, section 3.2; RFC 9110, section 7.2), never with a user.</summary>
internal static class Authority
{
    private const int MaxPort = 65535;
    private const int ShortValue = 256;

    // unreserved and sub-delims; the percent sign is looked at more closely.
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
            if (end == 0 || !IsEncoded(value[..end]))
            {
                return false;
            }
        }

        return end == value.Length || (value[end] == ':' && IsPort(value[(end + 1)..]));
    }

    /// <summary>The same of a text.</summary>
    /// <param name="value">Not empty; what is not Latin-1 is no part of an authority.</param>
    public static bool IsValid(string value)
    {
        Span<byte> bytes = value.Length <= ShortValue ? stackalloc byte[ShortValue] : new byte[value.Length];
        return IsValid(bytes[..Encoding.Latin1.GetBytes(value, bytes)]);
    }

    // A zone ("%eth0") means something on one machine only.
    private static bool IsIPv6(ReadOnlySpan<byte> address) => !address.Contains((byte)'%') && address.Contains((byte)':') && IPAddress.IsValidUtf8(address);

    private static bool IsEncoded(ReadOnlySpan<byte> name)
    {
        while (name.IndexOf((byte)'%') is >= 0 and var place)
        {
            if (place + 2 >= name.Length || !char.IsAsciiHexDigit((char)name[place + 1]) || !char.IsAsciiHexDigit((char)name[place + 2]))
            {
                return false;
            }

            name = name[(place + 3)..];
        }

        return true;
    }

    // May be empty: the colon alone is valid and means the usual one (RFC 3986, section 3.2.3).
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

/// <summary>
/// Passes path and query on byte for byte, as the client wrote them. Decoding and encoding them again would change
/// what they mean to the node (<c>%2F</c>, <c>%20</c> against <c>+</c>, doubled slashes).
/// </summary>
internal static class OriginForm
{
    /// <returns>The target as a node gets it: <c>/path?query</c>. <c>*</c> for the options of the server itself.</returns>
    public static string Of(string target, string method)
    {
        if (target.StartsWith('/') || (target == "*" && method == HttpMethods.Options))
        {
            return target;
        }

        // Absolute form (RFC 9112, section 3.2.2): Kestrel has checked that it is a URL.
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0)
        {
            // Without a path, the options of the whole server are meant (RFC 9112, section 3.2.4).
            return method == HttpMethods.Options ? "*" : "/";
        }

        target = target[(authority + 3 + path)..];
        return target.StartsWith('?') ? "/" + target : target;
    }

    /// <returns>The authority of an absolute form; empty for any other.</returns>
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

    /// <summary>Whether the authority of an absolute form has a user before the host, which is an error (RFC 9110, section 4.2.4).</summary>
    public static bool HasUserinfo(string target) => AuthorityOf(target).Contains('@');
}

/// <summary>The fields that a message's Connection field names as concerning that connection only (RFC 9110, section 7.6.1).</summary>
internal static class ConnectionOptions
{
    /// <summary>The names of fields to drop. Values of Connection itself, and fields that frame the message, are not among them.</summary>
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

    /// <summary>Naming these must not unframe the message.</summary>
    public static bool IsOwn(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase)
        || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
        || name.Equals("TE", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}
