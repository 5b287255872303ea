using System.Text;

namespace Kiro.Balancer.Clients;

/// <summary>
/// An element of <c>Forwarded</c> (RFC 7239), read from the right end of a list and written at it. From the right, because
/// what stands there was written by the proxies nearest to us: a quote that somebody further away left open cannot swallow it.
/// </summary>
internal static class ForwardedElement
{
    /// <summary>Takes the last element off a list.</summary>
    /// <param name="list">What is left of it.</param>
    /// <returns>The element, which may be empty.</returns>
    public static ReadOnlySpan<char> TakeLast(ref ReadOnlySpan<char> list)
    {
        var comma = LastOutsideQuotes(list, ',');
        var element = list[(comma + 1)..];
        list = comma < 0 ? [] : list[..comma];
        return element;
    }

    /// <summary>Finds the address in an element's <c>for</c>.</summary>
    /// <returns>False when there is none, several, or one that is hidden (<c>unknown</c>, <c>_name</c>), or when the element is
    /// not well-formed.</returns>
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

    /// <summary>Writes what this balancer knows: who sent it the request, for which host, and by which scheme.</summary>
    /// <param name="room">At least 80 bytes and the length of <paramref name="host"/> and <paramref name="proto"/>.</param>
    /// <param name="peer">The other end of the connection.</param>
    /// <param name="host">Empty when there is none, and left out when it cannot be quoted.</param>
    /// <param name="proto">A scheme.</param>
    /// <returns>The number of bytes.</returns>
    public static int Write(Span<byte> room, ClientAddress peer, ReadOnlySpan<byte> host, ReadOnlySpan<byte> proto)
    {
        var length = Append(room, 0, peer.IsIPv4 ? "for="u8 : "for=\"["u8);
        peer.TryFormat(room[length..], out var written);
        length = Append(room, length + written, peer.IsIPv4 ? [] : "]\""u8);
        if (!host.IsEmpty && !host.ContainsAny("\"\\"u8) && !host.ContainsAnyInRange((byte)0, (byte)' '))
        {
            length = Append(room, length, ";host=\""u8);
            length = Append(room, length, host);
            length = Append(room, length, "\""u8);
        }

        length = Append(room, length, ";proto="u8);
        return Append(room, length, proto);
    }

    /// <summary>The same as text.</summary>
    public static string Of(ClientAddress peer, string host, string proto)
    {
        var room = new byte[80 + host.Length + proto.Length];
        return Encoding.Latin1.GetString(room, 0, Write(room, peer, Encoding.Latin1.GetBytes(host), Encoding.Latin1.GetBytes(proto)));
    }

    /// <summary>Whether an element can be appended to a list so that a reader from the left finds it.</summary>
    public static bool CanBeCompleted(ReadOnlySpan<char> list)
    {
        var isQuoted = false;
        for (var place = 0; place < list.Length; place++)
        {
            if (list[place] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (isQuoted && list[place] == '\\')
            {
                place++;
            }
        }

        return !isQuoted;
    }

    // node = nodename [ ":" node-port ]; IPv6 in brackets, which only a quoted string can hold (RFC 7239, section 6).
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

        // Nothing of it needs a space, a quote or a backslash.
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
        for (var place = text.Length - 1; place >= 0; place--)
        {
            if (text[place] == wanted)
            {
                return place;
            }

            if (text[place] == '"')
            {
                place = OpeningQuote(text[..place]);
            }
        }

        return -1;
    }

    // A quote within a quoted string stands behind an odd number of backslashes.
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

    private static int Append(Span<byte> room, int length, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(room[length..]);
        return length + bytes.Length;
    }
}
