namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What was made of the bytes that came so far.</summary>
internal enum RequestState
{
    /// <summary>More must come.</summary>
    Incomplete,

    /// <summary>The head is all there and valid.</summary>
    Complete,

    /// <summary>It is wrong, or could be read in more than one way: to be refused, and the connection with it.</summary>
    Refused,

    /// <summary>The client speaks HTTP/2 and knows that we do (RFC 9113, section 3.4).</summary>
    Http2,
}

/// <summary>
/// Reads the head of a request (RFC 9112, sections 2 to 7) and takes nothing that two readers could understand in two ways.
/// It allocates nothing, and every beginning of a message gives either <see cref="RequestState.Incomplete"/> or the very
/// result of the whole: the first wrong byte decides.
/// </summary>
/// <remarks>
/// A line ends with CR LF only. RFC 9112, section 2.2 lets a server take a bare LF, too; but a node behind or a proxy
/// before that does not is how requests are smuggled, and no HTTP client in use sends one.
/// </remarks>
internal static class RequestParser
{
    /// <summary>Some clients send an empty line too many behind a body; at least one is to be ignored (RFC 9112, section 2.2).</summary>
    public const int MaxEmptyLines = 4;

    /// <summary>Reads a head that begins with the first byte, or after some empty lines.</summary>
    /// <param name="bytes">What came so far and is not consumed.</param>
    /// <param name="head">Gets what is found.</param>
    public static RequestState Parse(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        head.Clear();
        var within = bytes[..Math.Min(bytes.Length, head.MaxBytes)];
        var state = ParseLines(within, head);
        return state == RequestState.Incomplete && within.Length == head.MaxBytes
            ? head.Refuse(431, "the head of the request is too long") : state;
    }

    private static RequestState ParseLines(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var place = 0;
        var state = SkipEmptyLines(bytes, ref place, head);
        state = state == RequestState.Complete ? RequestLineParser.Parse(bytes, ref place, head) : state;
        while (state == RequestState.Complete && place < bytes.Length)
        {
            if (bytes[place] != '\r')
            {
                state = ParseField(bytes, ref place, head);
                continue;
            }

            if (place + 1 == bytes.Length)
            {
                break;
            }

            head.Length = place + 2;
            return bytes[place + 1] == '\n' ? RequestMeaning.Judge(bytes, head) : head.Refuse(400, "a carriage return without a line feed");
        }

        return state == RequestState.Complete ? RequestState.Incomplete : state;
    }

    private static RequestState SkipEmptyLines(ReadOnlySpan<byte> bytes, ref int place, RequestHead head)
    {
        for (var lines = 0; place < bytes.Length && bytes[place] == '\r'; lines++, place += 2)
        {
            if (lines == MaxEmptyLines)
            {
                return head.Refuse(400, "too many empty lines before the request");
            }

            if (place + 1 == bytes.Length)
            {
                return RequestState.Incomplete;
            }

            if (bytes[place + 1] != '\n')
            {
                return head.Refuse(400, "a carriage return without a line feed");
            }
        }

        return place < bytes.Length ? RequestState.Complete : RequestState.Incomplete;
    }

    // field-name ":" OWS field-value OWS CRLF (RFC 9112, section 5). A folded line has no name: it begins with a space.
    private static RequestState ParseField(ReadOnlySpan<byte> bytes, ref int place, RequestHead head)
    {
        var rest = bytes[place..];
        var name = HttpSyntax.TokenLength(rest);
        if (name == rest.Length)
        {
            return RequestState.Incomplete;
        }

        if (name == 0 || rest[name] != ':')
        {
            return head.Refuse(400, rest[0] is (byte)' ' or (byte)'\t' ? "a field is folded" : "a field has no valid name");
        }

        var value = rest[(name + 1)..];
        var end = HttpSyntax.TextLength(value);
        if (end == value.Length || (end + 1 == value.Length && value[end] == '\r'))
        {
            return RequestState.Incomplete;
        }

        if (value[end] != '\r' || value[end + 1] != '\n')
        {
            return head.Refuse(400, "a field's value has control characters");
        }

        var next = place + name + 1 + end + 2;
        var from = 0;
        while (from < end && value[from] is (byte)' ' or (byte)'\t')
        {
            from++;
        }

        while (end > from && value[end - 1] is (byte)' ' or (byte)'\t')
        {
            end--;
        }

        var text = value[from..end];
        var start = place + name + 1 + from;
        var kind = RequestFieldNames.Find(rest[..name]);
        if (!head.TryAdd(new RequestField(kind, IsNamed: false, place, name, start, text.Length, next)))
        {
            return head.Refuse(431, "the request has too many fields");
        }

        place = next;
        return RequestMeaning.Note(kind, text, start, head);
    }
}
