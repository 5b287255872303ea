namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Parses the head of a response (RFC 9112, sections 4 to 6) and rejects anything ambiguous: bare CR, obsolete line folding, whitespace before
/// the colon, more than one Content-Length, any transfer coding but chunked. Lines may end with a bare LF, as old embedded servers send (section 2.2).
/// </summary>
internal static class ResponseParser
{
    private const int StatusLineLength = 12;

    /// <summary>Parses a head that starts with the first byte.</summary>
    /// <param name="bytes">The received bytes.</param>
    /// <param name="examined">How many of them the previous call has examined.</param>
    /// <param name="head">Receives the result.</param>
    /// <param name="length">Length of the head, if it is complete.</param>
    public static HeadState Parse(ReadOnlySpan<byte> bytes, int examined, ResponseHead head, out int length)
    {
        length = HeadLength(bytes, Math.Max(0, examined - 3));
        if (length == 0)
        {
            return CanBecomeValid(bytes, examined) ? HeadState.Incomplete : HeadState.Invalid;
        }

        head.Clear();
        return length <= ResponseHead.MaxBytes && ParseLines(bytes[..length], head) && FramingParser.Apply(bytes, head)
            ? HeadState.Complete : HeadState.Invalid;
    }

    /// <returns>Length including the empty line; 0 if that has not been received.</returns>
    private static int HeadLength(ReadOnlySpan<byte> bytes, int from)
    {
        var rest = bytes[from..];
        var end = rest.IndexOf("\n\r\n"u8);
        var bare = (end < 0 ? rest : rest[..(end + 1)]).IndexOf("\n\n"u8);
        return bare >= 0 ? from + bare + 2 : end >= 0 ? from + end + 3 : 0;
    }

    // Fails early, so that a backend which does not speak HTTP is not waited for.
    private static bool CanBecomeValid(ReadOnlySpan<byte> bytes, int examined)
    {
        var start = "HTTP/1."u8;
        var known = Math.Min(bytes.Length, start.Length);
        if (bytes.Length >= ResponseHead.MaxBytes || !bytes[..known].SequenceEqual(start[..known]))
        {
            return false;
        }

        for (var position = Math.Max(0, examined - 1); position < bytes.Length; position++)
        {
            var next = bytes[position..].IndexOf((byte)'\r');
            if (next < 0)
            {
                break;
            }

            position += next;
            if (position + 1 < bytes.Length && bytes[position + 1] != '\n')
            {
                return false;
            }
        }

        return true;
    }

    /// <param name="bytes">The head, including the empty line.</param>
    /// <param name="head">Receives the result.</param>
    private static bool ParseLines(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var line = NextLine(bytes, out var next);
        if (!ParseStatusLine(line, head))
        {
            return false;
        }

        for (var position = next; ; position += next)
        {
            line = NextLine(bytes[position..], out next);
            if (line.IsEmpty)
            {
                return true;
            }

            if (!ParseField(line, position, head))
            {
                return false;
            }
        }
    }

    // A CR before the LF is part of the line ending (RFC 9112, section 2.2); any other CR is an invalid control character.
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

    private static bool ParseField(ReadOnlySpan<byte> line, int position, ResponseHead head)
    {
        var name = HttpSyntax.TokenLength(line);
        if (name == 0 || name == line.Length || line[name] != ':' || head.Fields.Count == ResponseHead.MaxFields)
        {
            return false;
        }

        var value = line[(name + 1)..].Trim(" \t"u8);
        var start = line.Length - line[(name + 1)..].TrimStart(" \t"u8).Length;
        head.Fields.Add(new ResponseField(FieldNames.Find(line[..name]), position, name, position + start, value.Length));
        return HttpSyntax.IsText(value);
    }
}

/// <summary>The state of parsing a response head.</summary>
internal enum HeadState
{
    Complete,

    Incomplete,

    /// <summary>Not HTTP, or ambiguous.</summary>
    Invalid,
}
