using System.Text;

namespace Kiro.Balancer.Listening;

/// <summary>What a connection is told that cannot be served, before it is closed. For plain HTTP; before TLS nothing can be said.</summary>
internal static class Refusal
{
    private const string Body =
        """{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"too many connections","error":"too many connections"}""";

    /// <summary>A whole response: problem details (RFC 9457).</summary>
    public static ReadOnlyMemory<byte> TooManyConnections { get; } = Encoding.ASCII.GetBytes(string.Join("\r\n",
        "HTTP/1.1 503 Service Unavailable", "Content-Type: application/problem+json", $"Content-Length: {Body.Length}",
        "Cache-Control: no-store", "Retry-After: 1", "Connection: close", "", Body));
}
