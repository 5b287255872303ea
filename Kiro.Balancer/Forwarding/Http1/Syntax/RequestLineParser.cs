using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

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
