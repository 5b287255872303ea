using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Why a request is refused without being forwarded.</summary>
internal readonly record struct RequestRefusal(int Status, string Problem)
{
    /// <returns>Null if the request can be forwarded.</returns>
    public static RequestRefusal? Of(HttpRequest request)
    {
        if (request.Method == HttpMethods.Connect && !WebSocketHandshake.IsExtended(request.HttpContext))
        {
            return new RequestRefusal(StatusCodes.Status501NotImplemented, "CONNECT is not supported");
        }

        // Kestrel accepts control characters in the target; lenient backends would end the target there (RFC 9112, section 3).
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.Contains('\x7F'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target contains control characters");
        }

        if (target.Contains('#'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has a fragment");
        }

        if (OriginForm.HasUserinfo(target))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the host in the request target is invalid");
        }

        if (!request.Host.HasValue && OriginForm.AuthorityOf(target) is { Length: > 0 } authority)
        {
            // HTTP/1.0 does not require Host, and Kestrel only overrides one that is present.
            request.Host = new HostString(authority.ToString());
        }

        if (request.Host.Value is { Length: > 0 } host && !Authority.IsValid(host))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the Host field is invalid");
        }

        if (request.Headers.TransferEncoding is { Count: > 0 } codings)
        {
            if (codings.Count > 1 || !string.Equals(codings[0]?.Trim(' ', '\t'), "chunked", StringComparison.OrdinalIgnoreCase))
            {
                return new RequestRefusal(StatusCodes.Status501NotImplemented, "the only supported transfer coding is chunked, once");
            }

            if (HttpProtocol.IsHttp10(request.Protocol))
            {
                return new RequestRefusal(StatusCodes.Status400BadRequest, "HTTP/1.0 does not support transfer codings");
            }
        }

        // Both at once is request smuggling (RFC 9112, section 6.3). Kestrel has renamed the Content-Length.
        return request.Headers.TransferEncoding.Count > 0 && request.Headers.ContainsKey("X-Content-Length")
            ? new RequestRefusal(StatusCodes.Status400BadRequest, "the request has both Content-Length and Transfer-Encoding")
            : null;
    }
}
