using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Parses the request line (RFC 9112, section 3): <c>method SP request-target SP HTTP-version CRLF</c>.</summary>
internal static class RequestLineParser
{
    // Including the line ending.
    private const int VersionLength = 10;

    /// <summary>Parses the line as far as it has been received.</summary>
    /// <param name="bytes">The received bytes.</param>
    /// <param name="position">The start of the line; set to its end when it is complete.</param>
    /// <param name="head">Receives the result.</param>
    public static RequestState Parse(ReadOnlySpan<byte> bytes, ref int position, RequestHead head)
    {
        var rest = bytes[position..];
        var method = HttpSyntax.TokenLength(rest);
        if (method == rest.Length)
        {
            return RequestState.Incomplete;
        }

        if (method == 0 || rest[method] != ' ')
        {
            return head.Refuse(400, "the request line has an invalid method");
        }

        head.MethodName = (position, method);
        head.Method = Find(rest[..method]);
        rest = rest[(method + 1)..];
        var target = rest.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        if (target > RequestHead.MaxTargetLength || (target < 0 && rest.Length > RequestHead.MaxTargetLength))
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
                ? "the request line has no HTTP version" : "the request target is empty or contains invalid characters");
        }

        head.Target = (position + method + 1, target);
        var version = rest[(target + 1)..];
        var state = ParseVersion(version, head, mayBePreface: rest[..target] is [(byte)'*'] && bytes.Slice(position, method).SequenceEqual("PRI"u8));
        if (state != RequestState.Complete)
        {
            return state;
        }

        position += method + target + 2 + VersionLength;
        return ParseTarget(rest[..target], head);
    }

    private static RequestState ParseVersion(ReadOnlySpan<byte> version, RequestHead head, bool mayBePreface)
    {
        var pattern = "HTTP/#.#\r\n"u8;
        for (var position = 0; position < pattern.Length; position++)
        {
            if (position == version.Length)
            {
                return RequestState.Incomplete;
            }

            if (pattern[position] == '#' ? !char.IsAsciiDigit((char)version[position]) : version[position] != pattern[position])
            {
                return head.Refuse(400, "the request line has an invalid HTTP version");
            }
        }

        head.IsHttp10 = version[7] == '0';
        return version[5] == '1' ? RequestState.Complete
            : mayBePreface && version[5] == '2' && version[7] == '0' ? RequestState.Http2
            : head.Refuse(505, "the HTTP version is not supported");
    }

    private static RequestState ParseTarget(ReadOnlySpan<byte> target, RequestHead head)
    {
        if (head.Method == RequestMethod.Connect)
        {
            return head.Refuse(501, "CONNECT is not supported");
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
            return head.Refuse(400, "the request target is neither a path nor an absolute URL");
        }

        var authority = target[scheme..].IndexOfAny((byte)'/', (byte)'?');
        authority = authority < 0 ? target.Length - scheme : authority;
        if (authority == 0 || !Authority.IsValid(target.Slice(scheme, authority)))
        {
            return head.Refuse(400, "the host in the request target is invalid");
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
