using System.Text;

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
            return bytes[place + 1] == '\n' ? RequestSemantics.Judge(bytes, head) : head.Refuse(400, "a carriage return without a line feed");
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
        return RequestSemantics.Note(kind, text, start, head);
    }
}

/// <summary>Reads the first line of a request (RFC 9112, section 3): <c>method SP request-target SP HTTP-version CRLF</c>.</summary>
internal static class RequestLineParser
{
    // With the end of the line.
    private const int VersionLength = 10;

    /// <summary>Reads the line at the place, as far as it is there.</summary>
    /// <param name="bytes">What came so far.</param>
    /// <param name="place">Where the line begins; behind its end afterwards, when it is complete.</param>
    /// <param name="head">Gets what is found.</param>
    public static RequestState Parse(ReadOnlySpan<byte> bytes, ref int place, RequestHead head)
    {
        var rest = bytes[place..];
        var method = HttpSyntax.TokenLength(rest);
        if (method == rest.Length)
        {
            return RequestState.Incomplete;
        }

        if (method == 0 || rest[method] != ' ')
        {
            return head.Refuse(400, "the request line has no valid method");
        }

        head.MethodName = (place, method);
        head.Method = Find(rest[..method]);
        rest = rest[(method + 1)..];
        var target = rest.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        if (target > RequestHead.MaxTarget || (target < 0 && rest.Length > RequestHead.MaxTarget))
        {
            return head.Refuse(414, "the request target is too long");
        }

        if (target < 0)
        {
            return RequestState.Incomplete;
        }

        if (target == 0 || rest[target] != ' ')
        {
            return head.Refuse(400, rest[target] is (byte)'\r' or (byte)'\n' && target > 0
                ? "the request line has no version" : "the request target is empty or has characters that must be encoded");
        }

        head.Target = (place + method + 1, target);
        var version = rest[(target + 1)..];
        var state = ParseVersion(version, head, mayBePreface: rest[..target] is [(byte)'*'] && bytes.Slice(place, method).SequenceEqual("PRI"u8));
        if (state != RequestState.Complete)
        {
            return state;
        }

        place += method + target + 2 + VersionLength;
        return ParseTarget(rest[..target], head);
    }

    private static RequestState ParseVersion(ReadOnlySpan<byte> version, RequestHead head, bool mayBePreface)
    {
        var pattern = "HTTP/#.#\r\n"u8;
        for (var place = 0; place < pattern.Length; place++)
        {
            if (place == version.Length)
            {
                return RequestState.Incomplete;
            }

            if (pattern[place] == '#' ? !char.IsAsciiDigit((char)version[place]) : version[place] != pattern[place])
            {
                return head.Refuse(400, "the request line does not end in a valid version");
            }
        }

        head.IsHttp10 = version[7] == '0';
        return version[5] == '1' ? RequestState.Complete
            : mayBePreface && version[5] == '2' && version[7] == '0' ? RequestState.Http2
            : head.Refuse(505, "the version of HTTP is not supported here");
    }

    private static RequestState ParseTarget(ReadOnlySpan<byte> target, RequestHead head)
    {
        if (head.Method == RequestMethod.Connect)
        {
            return head.Refuse(501, "CONNECT asks for a tunnel, and there is none");
        }

        if (target.Contains((byte)'#'))
        {
            return head.Refuse(400, "the request target has a fragment");
        }

        if (target[0] == '/' || (head.Method == RequestMethod.Options && target is [(byte)'*']))
        {
            head.Path = head.Target;
            return RequestState.Complete;
        }

        var scheme = SchemeLength(target);
        if (scheme == 0)
        {
            return head.Refuse(400, "the request target is neither a path nor a URL");
        }

        var authority = target[scheme..].IndexOfAny((byte)'/', (byte)'?');
        authority = authority < 0 ? target.Length - scheme : authority;
        if (authority == 0 || !Authority.IsValid(target.Slice(scheme, authority)))
        {
            return head.Refuse(400, "the request target has no valid host");
        }

        head.Host = (head.Target.Start + scheme, authority);
        head.Path = (head.Host.Start + authority, target.Length - scheme - authority);
        return RequestState.Complete;
    }

    private static int SchemeLength(ReadOnlySpan<byte> target)
    {
        var plain = "http://"u8;
        var secure = "https://"u8;
        return target.Length >= plain.Length && Ascii.EqualsIgnoreCase(target[..plain.Length], plain) ? plain.Length
            : target.Length >= secure.Length && Ascii.EqualsIgnoreCase(target[..secure.Length], secure) ? secure.Length : 0;
    }

    private static RequestMethod Find(ReadOnlySpan<byte> method) => method.Length switch
    {
        3 when method.SequenceEqual("GET"u8) => RequestMethod.Get,
        3 when method.SequenceEqual("PUT"u8) => RequestMethod.Put,
        4 when method.SequenceEqual("POST"u8) => RequestMethod.Post,
        4 when method.SequenceEqual("HEAD"u8) => RequestMethod.Head,
        5 when method.SequenceEqual("TRACE"u8) => RequestMethod.Trace,
        6 when method.SequenceEqual("DELETE"u8) => RequestMethod.Delete,
        7 when method.SequenceEqual("OPTIONS"u8) => RequestMethod.Options,
        7 when method.SequenceEqual("CONNECT"u8) => RequestMethod.Connect,
        _ => RequestMethod.Other,
    };
}
