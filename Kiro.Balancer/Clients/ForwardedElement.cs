using System.Text;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Reads and writes elements of <c>Forwarded</c> (RFC 7239). Lists are read from the right, where the nearest proxies append: an
/// unterminated quote further left cannot hide their elements.
/// </summary>
internal static class ForwardedElement
{
    /// <summary>Removes the last element of a list.</summary>
    /// <param name="list">The list, and then its remainder.</param>
    /// <returns>The element, which may be empty.</returns>
    public static ReadOnlySpan<char> TakeLast(ref ReadOnlySpan<char> list)
    {
        var comma = LastOutsideQuotes(list, ',');
        var element = list[(comma + 1)..];
        list = comma < 0 ? [] : list[..comma];
        return element;
    }

    /// <summary>Parses the address in the <c>for</c> parameter.</summary>
    /// <returns>False if the parameter is missing, repeated or obfuscated (<c>unknown</c>, <c>_name</c>), or the element is malformed.</returns>
    public static bool TryReadFor(ReadOnlySpan<char> element, out ClientAddress address)
    {
        (address, var found) = (default, false);
        while (!element.IsEmpty)
        {
            var semicolon = LastOutsideQuotes(element, ';');
            var pair = element[(semicolon + 1)..].Trim(" \t");
            element = semicolon < 0 ? [] : element[..semicolon];
            var equals = pair.IndexOf('=');
            if (equals < 0)
            {
                if (pair.IsEmpty)
                {
                    continue;
                }

                return false;
            }

            if (pair[..equals].Equals("for", StringComparison.OrdinalIgnoreCase))
            {
                if (found || !TryReadNode(pair[(equals + 1)..], out address))
                {
                    address = default;
                    return false;
                }

                found = true;
            }
        }

        return found;
    }

    /// <summary>Writes this balancer's element.</summary>
    /// <param name="output">At least 80 bytes plus the lengths of <paramref name="host"/> and <paramref name="proto"/>.</param>
    /// <param name="peer">The remote end of the connection.</param>
    /// <param name="host">Omitted if empty, or if it cannot be quoted.</param>
    /// <param name="proto">The scheme.</param>
    /// <returns>The number of bytes written.</returns>
    public static int Write(Span<byte> output, ClientAddress peer, ReadOnlySpan<byte> host, ReadOnlySpan<byte> proto)
    {
        var length = Append(output, 0, peer.IsIPv4 ? "for="u8 : "for=\"["u8);
        peer.TryFormat(output[length..], out var written);
        length = Append(output, length + written, peer.IsIPv4 ? [] : "]\""u8);
        if (!host.IsEmpty && !host.ContainsAny("\"\\"u8) && !host.ContainsAnyInRange((byte)0, (byte)' '))
        {
            length = Append(output, length, ";host=\""u8);
            length = Append(output, length, host);
            length = Append(output, length, "\""u8);
        }

        length = Append(output, length, ";proto="u8);
        return Append(output, length, proto);
    }

    /// <summary>The same as a string.</summary>
    public static string Of(ClientAddress peer, string host, string proto)
    {
        var output = new byte[80 + host.Length + proto.Length];
        return Encoding.Latin1.GetString(output, 0, Write(output, peer, Encoding.Latin1.GetBytes(host), Encoding.Latin1.GetBytes(proto)));
    }

    /// <summary>Whether an element can be appended: not within an unterminated quote.</summary>
    public static bool CanAppendTo(ReadOnlySpan<char> list)
    {
        var isQuoted = false;
        for (var index = 0; index < list.Length; index++)
        {
            if (list[index] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (isQuoted && list[index] == '\\')
            {
                index++;
            }
        }

        return !isQuoted;
    }

    // node = nodename [ ":" node-port ]; IPv6 in brackets, and therefore quoted (RFC 7239, section 6).
    private static bool TryReadNode(ReadOnlySpan<char> text, out ClientAddress address)
    {
        address = default;
        if (text.StartsWith('"'))
        {
            if (text.Length < 2 || !text.EndsWith('"'))
            {
                return false;
            }

            text = text[1..^1];
        }

        // No node has any of these.
        if (text.ContainsAny("\"\\ \t"))
        {
            return false;
        }

        var isBracketed = text.StartsWith('[');
        var end = isBracketed ? text.IndexOf(']') + 1 : text.IndexOf(':');
        var name = end < 0 ? text : text[..end];
        return IsPortOrNone(text[name.Length..]) && name.Contains(':') == isBracketed && ClientAddress.TryParse(name, out address);
    }

    // [ ":" node-port ], node-port = 1*5DIGIT / obfport
    private static bool IsPortOrNone(ReadOnlySpan<char> text) =>
        text.IsEmpty || (text[0] == ':' && (text[1..].StartsWith('_') || (text.Length is > 1 and <= 6 && !text[1..].ContainsAnyExceptInRange('0', '9'))));

    private static int LastOutsideQuotes(ReadOnlySpan<char> text, char wanted)
    {
        for (var index = text.Length - 1; index >= 0; index--)
        {
            if (text[index] == wanted)
            {
                return index;
            }

            if (text[index] == '"')
            {
                index = OpeningQuote(text[..index]);
            }
        }

        return -1;
    }

    // An escaped quote has an odd number of backslashes before it.
    private static int OpeningQuote(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var quote = text.LastIndexOf('"');
            if (quote < 0)
            {
                return -1;
            }

            var backslashes = quote - 1 - text[..quote].LastIndexOfAnyExcept('\\');
            if (backslashes % 2 == 0)
            {
                return quote;
            }

            text = text[..quote];
        }
    }

    private static int Append(Span<byte> output, int length, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output[length..]);
        return length + bytes.Length;
    }
}
