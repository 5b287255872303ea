using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Passes path and query on byte for byte, as the client wrote them. Decoding and encoding them again would change
/// what they mean to the node (<c>%2F</c>, <c>%20</c> against <c>+</c>, doubled slashes).
/// </summary>
internal static class RequestTarget
{
    private static readonly UriCreationOptions AsWritten = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <returns>The URL at the node, or null for a target that is no path (<c>OPTIONS *</c>).</returns>
    public static Uri? At(string urlPrefix, HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!target.StartsWith('/'))
        {
            // Absolute form (RFC 9112, section 3.2.2): Kestrel has checked that it is a URL.
            var authority = target.IndexOf("://", StringComparison.Ordinal);
            var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
            if (authority < 0)
            {
                return null;
            }

            target = path < 0 ? "/" : target[(authority + 3 + path)..];
            target = target.StartsWith('?') ? "/" + target : target;
        }

        return new Uri(urlPrefix + target, AsWritten);
    }
}
