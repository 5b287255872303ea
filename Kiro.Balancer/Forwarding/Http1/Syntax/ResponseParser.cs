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

/// <summary>The head of a response: what <see cref="ResponseParser"/> found in it. Used again for the next one.</summary>
internal sealed class ResponseHead
{
    /// <summary>The longest head that is taken, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Fields that are taken at most, and names in Connection: what a head grows by on its way to the client stays small.</summary>
    public const int MaxFields = 1000;

    /// <summary>Interim responses before a final one at most; more are no help to anybody.</summary>
    public const int MaxInterim = 100;

    /// <summary>100 to 999.</summary>
    public int Status { get; set; }

    /// <summary>Place and length of the reason.</summary>
    public (int Start, int Length) Reason { get; set; }

    /// <summary>HTTP/1.0: no interim responses, no chunks, and no connection that stays open.</summary>
    public bool IsHttp10 { get; set; }

    /// <summary>Null when it is not given.</summary>
    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether Connection says "close".</summary>
    public bool HasConnectionClose { get; set; }

    /// <summary>Whether the connection ends with the response.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether Connection names fields that concern this connection only.</summary>
    public bool HasConnectionOptions { get; set; }

    /// <summary>Whether trailers are announced.</summary>
    public bool HasTrailerField { get; set; }

    /// <summary>How long the node keeps the connection when it is idle, in seconds (<c>Keep-Alive: timeout=5</c>). Null when it does not say.</summary>
    public int? KeepAliveTimeout { get; set; }

    /// <summary>How many requests the node takes on the connection (<c>Keep-Alive: max=100</c>): all of them, or those still to
    /// come, as servers differ. Null when it does not say.</summary>
    public int? KeepAliveMax { get; set; }

    /// <summary>It begins or goes on with a login that is bound to the connection (NTLM or Negotiate, RFC 4559): the
    /// connection must not serve another client.</summary>
    public bool BindsConnection { get; set; }

    /// <summary>The body is a stream of server-sent events.</summary>
    public bool IsEventStream { get; set; }

    /// <summary>All fields, in their order.</summary>
    public List<ResponseField> Fields { get; } = [];

    /// <summary>An interim response: another one follows.</summary>
    public bool IsInterim => Status < 200;

    /// <summary>How the body ends.</summary>
    /// <param name="isHead">Whether it answers a HEAD request.</param>
    public BodyFraming Framing(bool isHead) =>
        isHead || Status is < 200 or 204 or 205 or 304 ? BodyFraming.None
        : IsChunked ? BodyFraming.Chunked
        : ContentLength is null ? BodyFraming.UntilClose
        : ContentLength == 0 ? BodyFraming.None : BodyFraming.Length;

    /// <summary>Whether a field is the client's business. The length is not among these: it goes with the framing.</summary>
    public bool IsForwarded(in ResponseField field) =>
        field.Known is not { } known
        || known.Kind is FieldKind.EndToEnd or FieldKind.Trailer or FieldKind.Host
        // What a client is to upgrade to is all that such a response says (RFC 9110, section 15.5.22).
        || (Status == StatusCodes.Status426UpgradeRequired && ReferenceEquals(known, FieldNames.Upgrade));

    public void Clear()
    {
        (Status, Reason, ContentLength, KeepAliveTimeout, KeepAliveMax) = (0, default, null, null, null);
        IsHttp10 = IsChunked = HasConnectionClose = Closes = HasConnectionOptions = HasTrailerField = BindsConnection = IsEventStream = false;
        Fields.Clear();
    }
}

/// <summary>A field of a response: where it stands in the bytes of the head.</summary>
/// <param name="Known">Its name, if that is a well-known one.</param>
/// <param name="NameStart">Place of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Place of the value, without the space around it.</param>
/// <param name="ValueLength">Length of the value.</param>
internal readonly record struct ResponseField(FieldName? Known, int NameStart, int NameLength, int ValueStart, int ValueLength);
