namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Reads the head of an answer (RFC 9112, sections 4 to 6) and takes nothing that two readers could understand in two
/// ways: no bare line feeds, no folded lines, no space before a colon, one length at most, and of codings only chunks.
/// </summary>
internal static class ResponseParser
{
    private const int StatusLineLength = 12;

    /// <summary>Reads a head that begins with the first byte.</summary>
    /// <param name="bytes">What came so far.</param>
    /// <param name="looked">How many of them were there the last time.</param>
    /// <param name="head">Gets what is found.</param>
    /// <param name="length">The head's length, when it is complete.</param>
    public static HeadState Parse(ReadOnlySpan<byte> bytes, int looked, ResponseHead head, out int length)
    {
        length = 0;
        var from = Math.Max(0, looked - 3);
        var end = bytes[from..].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return CanBecomeValid(bytes, looked) ? HeadState.Incomplete : HeadState.Invalid;
        }

        length = from + end + 4;
        head.Clear();
        return length <= ResponseHead.MostBytes && ParseLines(bytes[..(length - 2)], head) && FramingParser.Apply(bytes, head)
            ? HeadState.Complete : HeadState.Invalid;
    }

    // So that a node which does not speak HTTP, or ends its lines otherwise, is not waited for.
    private static bool CanBecomeValid(ReadOnlySpan<byte> bytes, int looked)
    {
        var start = "HTTP/1."u8;
        var known = Math.Min(bytes.Length, start.Length);
        if (bytes.Length >= ResponseHead.MostBytes || !bytes[..known].SequenceEqual(start[..known]))
        {
            return false;
        }

        for (var place = Math.Max(1, looked); place < bytes.Length; place++)
        {
            var next = bytes[place..].IndexOf((byte)'\n');
            if (next < 0)
            {
                break;
            }

            place += next;
            if (bytes[place - 1] != '\r')
            {
                return false;
            }
        }

        return true;
    }

    private static bool ParseLines(ReadOnlySpan<byte> lines, ResponseHead head)
    {
        var end = LineEnd(lines);
        if (end < 0 || !ParseStatusLine(lines[..end], head))
        {
            return false;
        }

        for (var place = end + 2; place < lines.Length; place += end + 2)
        {
            var rest = lines[place..];
            end = LineEnd(rest);
            if (end < 0 || !ParseField(rest[..end], place, head))
            {
                return false;
            }
        }

        return true;
    }

    // A line ends with CR LF; neither stands alone.
    private static int LineEnd(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
        return end >= 0 && end + 1 < bytes.Length && bytes[end] == '\r' && bytes[end + 1] == '\n' ? end : -1;
    }

    private static bool ParseStatusLine(ReadOnlySpan<byte> line, ResponseHead head)
    {
        if (line.Length < StatusLineLength || !line.StartsWith("HTTP/1."u8) || !char.IsAsciiDigit((char)line[7]) || line[8] != ' ')
        {
            return false;
        }

        var status = 0;
        foreach (var digit in line[9..StatusLineLength])
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            status = status * 10 + digit - '0';
        }

        (head.Status, head.IsHttp10) = (status, line[7] == '0');
        if (line.Length == StatusLineLength)
        {
            return status >= 100;
        }

        head.Reason = (StatusLineLength + 1, line.Length - StatusLineLength - 1);
        return status >= 100 && line[StatusLineLength] == ' ' && HttpSyntax.IsText(line[StatusLineLength..]);
    }

    private static bool ParseField(ReadOnlySpan<byte> line, int place, ResponseHead head)
    {
        var name = HttpSyntax.TokenLength(line);
        if (name == 0 || name == line.Length || line[name] != ':')
        {
            return false;
        }

        var value = line[(name + 1)..].Trim(" \t"u8);
        var start = line.Length - line[(name + 1)..].TrimStart(" \t"u8).Length;
        head.Fields.Add(new ResponseField(FieldNames.Find(line[..name]), place, name, place + start, value.Length));
        return HttpSyntax.IsText(value);
    }
}
