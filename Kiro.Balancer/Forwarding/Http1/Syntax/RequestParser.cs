namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The state of parsing a request head.</summary>
internal enum RequestState
{
    /// <summary>More input is needed.</summary>
    Incomplete,

    /// <summary>The head is complete and valid.</summary>
    Complete,

    /// <summary>The head is invalid or ambiguous: the request is refused and its connection closed.</summary>
    Refused,

    /// <summary>HTTP/2 with prior knowledge (RFC 9113, section 3.3).</summary>
    Http2,
}

/// <summary>
/// Parses the head of a request (RFC 9112, sections 2 to 7) and rejects anything ambiguous. Allocation-free. Every prefix of a message yields
/// <see cref="RequestState.Incomplete"/> or the result of the whole: the first invalid byte decides.
/// </summary>
/// <remarks>
/// Lines must end with CRLF. RFC 9112, section 2.2 lets servers accept a bare LF, but a proxy or backend that disagrees makes this a smuggling
/// vector, and no HTTP client sends one.
/// </remarks>
internal static class RequestParser
{
    /// <summary>Some clients send an extra CRLF after a body; at least one should be ignored (RFC 9112, section 2.2).</summary>
    public const int MaxEmptyLines = 4;

    /// <summary>Parses a head that starts with the first byte or after empty lines.</summary>
    /// <param name="bytes">The received bytes that have not been consumed.</param>
    /// <param name="head">Receives the result.</param>
    public static RequestState Parse(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        head.Clear();
        var within = bytes[..Math.Min(bytes.Length, head.MaxBytes)];
        var state = ParseLines(within, head);
        return state == RequestState.Incomplete && within.Length == head.MaxBytes
            ? head.Refuse(431, "the request head is too long") : state;
    }

    private static RequestState ParseLines(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var position = 0;
        var state = SkipEmptyLines(bytes, ref position, head);
        state = state == RequestState.Complete ? RequestLineParser.Parse(bytes, ref position, head) : state;
        while (state == RequestState.Complete && position < bytes.Length)
        {
            if (bytes[position] != '\r')
            {
                state = ParseField(bytes, ref position, head);
                continue;
            }

            if (position + 1 == bytes.Length)
            {
                break;
            }

            head.Length = position + 2;
            return bytes[position + 1] == '\n' ? RequestSemantics.Complete(bytes, head) : head.Refuse(400, "a CR is not followed by LF");
        }

        return state == RequestState.Complete ? RequestState.Incomplete : state;
    }

    private static RequestState SkipEmptyLines(ReadOnlySpan<byte> bytes, ref int position, RequestHead head)
    {
        for (var lines = 0; position < bytes.Length && bytes[position] == '\r'; lines++, position += 2)
        {
            if (lines == MaxEmptyLines)
            {
                return head.Refuse(400, "too many empty lines before the request line");
            }

            if (position + 1 == bytes.Length)
            {
                return RequestState.Incomplete;
            }

            if (bytes[position + 1] != '\n')
            {
                return head.Refuse(400, "a CR is not followed by LF");
            }
        }

        return position < bytes.Length ? RequestState.Complete : RequestState.Incomplete;
    }

    // field-name ":" OWS field-value OWS CRLF (RFC 9112, section 5). A folded line starts with whitespace, so it has no name.
    private static RequestState ParseField(ReadOnlySpan<byte> bytes, ref int position, RequestHead head)
    {
        var rest = bytes[position..];
        var name = HttpSyntax.TokenLength(rest);
        if (name == rest.Length)
        {
            return RequestState.Incomplete;
        }

        if (name == 0 || rest[name] != ':')
        {
            return head.Refuse(400, rest[0] is (byte)' ' or (byte)'\t' ? "a header field is folded" : "a header field has an invalid name");
        }

        var value = rest[(name + 1)..];
        var end = HttpSyntax.TextLength(value);
        if (end == value.Length || (end + 1 == value.Length && value[end] == '\r'))
        {
            return RequestState.Incomplete;
        }

        if (value[end] != '\r' || value[end + 1] != '\n')
        {
            return head.Refuse(400, "a field value contains control characters");
        }

        var next = position + name + 1 + end + 2;
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
        var start = position + name + 1 + from;
        var kind = RequestFieldNames.Find(rest[..name]);
        if (!head.TryAdd(new RequestField(kind, IsConnectionOption: false, position, name, start, text.Length, next)))
        {
            return head.Refuse(431, "the request has too many header fields");
        }

        position = next;
        return RequestSemantics.Apply(kind, text, start, head);
    }
}
