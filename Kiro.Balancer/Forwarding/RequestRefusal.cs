using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Why a request is not forwarded, whatever the nodes say.</summary>
internal readonly record struct RequestRefusal(int Status, string Problem)
{
    /// <returns>Null for a request that can be forwarded.</returns>
    public static RequestRefusal? Of(HttpRequest request)
    {
        if (request.Method == HttpMethods.Connect && !WebSocketHandshake.IsExtended(request.HttpContext))
        {
            return new RequestRefusal(StatusCodes.Status501NotImplemented, "CONNECT asks for a tunnel, and there is none");
        }

        // Kestrel takes controls within the target; lenient nodes would end the target there (RFC 9112, section 3).
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.Contains('\x7F'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has control characters");
        }

        if (target.Contains('#'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has a fragment");
        }

        if (OriginForm.HasUser(target))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has no valid host");
        }

        if (!request.Host.HasValue && OriginForm.AuthorityOf(target) is { Length: > 0 } authority)
        {
            // HTTP/1.0 knows no Host, and Kestrel overrides only one that is there.
            request.Host = new HostString(authority.ToString());
        }

        if (request.Host.Value is { Length: > 0 } host && !Authority.IsValid(host))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "Host is invalid");
        }

        if (request.Headers.TransferEncoding is { Count: > 0 } codings)
        {
            if (codings.Count > 1 || !string.Equals(codings[0]?.Trim(' ', '\t'), "chunked", StringComparison.OrdinalIgnoreCase))
            {
                return new RequestRefusal(StatusCodes.Status501NotImplemented, "of transfer codings only chunked is supported, and only once");
            }

            if (HttpProtocol.IsHttp10(request.Protocol))
            {
                return new RequestRefusal(StatusCodes.Status400BadRequest, "HTTP/1.0 has no transfer codings");
            }
        }

        // Length and chunks at once is how requests are smuggled (RFC 9112, section 6.3). Kestrel renames the length.
        return request.Headers.TransferEncoding.Count > 0 && request.Headers.ContainsKey("X-Content-Length")
            ? new RequestRefusal(StatusCodes.Status400BadRequest, "the body has both a Content-Length and a Transfer-Encoding")
            : null;
    }
}
