namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Reads the head of a response (RFC 9112, sections 4 to 6) and takes nothing that two readers could understand in two
/// ways: no bare CR, no folded lines (nginx refuses them, too), no space before a colon, one length at most, and of codings
/// only chunks. A line may end with LF alone, as those of old embedded servers do (section 2.2).
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
        length = HeadLength(bytes, Math.Max(0, looked - 3));
        if (length == 0)
        {
            return CanBecomeValid(bytes, looked) ? HeadState.Incomplete : HeadState.Invalid;
        }

        head.Clear();
        return length <= ResponseHead.MaxBytes && ParseLines(bytes[..length], head) && FramingParser.Apply(bytes, head)
            ? HeadState.Complete : HeadState.Invalid;
    }

    /// <returns>The length up to and with the empty line, whatever ends it and the line before; 0 when it is not there yet.</returns>
    private static int HeadLength(ReadOnlySpan<byte> bytes, int from)
    {
        var rest = bytes[from..];
        var end = rest.IndexOf("\n\r\n"u8);
        var bare = (end < 0 ? rest : rest[..(end + 1)]).IndexOf("\n\n"u8);
        return bare >= 0 ? from + bare + 2 : end >= 0 ? from + end + 3 : 0;
    }

    // So that a node which does not speak HTTP is not waited for.
    private static bool CanBecomeValid(ReadOnlySpan<byte> bytes, int looked)
    {
        var start = "HTTP/1."u8;
        var known = Math.Min(bytes.Length, start.Length);
        if (bytes.Length >= ResponseHead.MaxBytes || !bytes[..known].SequenceEqual(start[..known]))
        {
            return false;
        }

        for (var place = Math.Max(0, looked - 1); place < bytes.Length; place++)
        {
            var next = bytes[place..].IndexOf((byte)'\r');
            if (next < 0)
            {
                break;
            }

            place += next;
            if (place + 1 < bytes.Length && bytes[place + 1] != '\n')
            {
                return false;
            }
        }

        return true;
    }

    /// <param name="bytes">The head with the empty line.</param>
    /// <param name="head">Gets what is found.</param>
    private static bool ParseLines(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var line = NextLine(bytes, out var next);
        if (!ParseStatusLine(line, head))
        {
            return false;
        }

        for (var place = next; ; place += next)
        {
            line = NextLine(bytes[place..], out next);
            if (line.IsEmpty)
            {
                return true;
            }

            if (!ParseField(line, place, head))
            {
                return false;
            }
        }
    }

    // A line ends with LF, and a CR before it belongs to the end (RFC 9112, section 2.2). Any other CR is a control in the line.
    private static ReadOnlySpan<byte> NextLine(ReadOnlySpan<byte> bytes, out int next)
    {
        var end = bytes.IndexOf((byte)'\n');
        next = end + 1;
        return bytes[..(end > 0 && bytes[end - 1] == '\r' ? end - 1 : end)];
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
        if (name == 0 || name == line.Length || line[name] != ':' || head.Fields.Count == ResponseHead.MaxFields)
        {
            return false;
        }

        var value = line[(name + 1)..].Trim(" \t"u8);
        var start = line.Length - line[(name + 1)..].TrimStart(" \t"u8).Length;
        head.Fields.Add(new ResponseField(FieldNames.Find(line[..name]), place, name, place + start, value.Length));
        return HttpSyntax.IsText(value);
    }
}

/// <summary>What was made of the bytes that came so far.</summary>
internal enum HeadState
{
    /// <summary>It is all there and valid.</summary>
    Complete,

    /// <summary>It may be valid, but is not all there.</summary>
    Incomplete,

    /// <summary>It is no HTTP, or could be read in more than one way.</summary>
    Invalid,
}
