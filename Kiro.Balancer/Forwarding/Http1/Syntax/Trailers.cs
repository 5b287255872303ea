using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Which fields may follow a body (RFC 9110, section 6.5.1): none that frame, route, authenticate or change it.</summary>
internal static class Trailers
{
    private static readonly HashSet<string> Forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
        "Date", "Expect", "Expires", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
        "Keep-Alive", "Location", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range",
        "Retry-After", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Warning", "WWW-Authenticate",
    };

    /// <summary>
    /// Of a request. A node may take trailers for fields, so none is passed on that the balancer would have acted on: they
    /// would say behind its back who the client is.
    /// </summary>
    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> AllowedInRequest(IEnumerable<byte[]> lines) =>
        [.. Allowed(lines).Where(line => RequestFieldNames.Find(line.AsSpan(0, HttpSyntax.TokenLength(line))) == RequestFieldKind.EndToEnd)];

    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> Allowed(IEnumerable<byte[]> lines) =>
        [.. lines.Where(line => IsAllowed(Encoding.ASCII.GetString(line.AsSpan(0, HttpSyntax.TokenLength(line)))))];

    public static bool IsAllowed(string name) => !Forbidden.Contains(name);
}
