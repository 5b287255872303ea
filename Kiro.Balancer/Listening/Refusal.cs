using System.Text;

namespace Kiro.Balancer.Listening;

/// <summary>What a connection is told that cannot be served, before it is closed. For plain HTTP; before TLS nothing can be said.</summary>
internal static class Refusal
{
    /// <summary>When there are as many connections as there may be, of all clients together.</summary>
    public static ReadOnlyMemory<byte> TooManyConnections { get; } = Response(503, "Service Unavailable", "too many connections");

    /// <summary>When one client has as many as it may have.</summary>
    public static ReadOnlyMemory<byte> TooManyOfOneClient { get; } =
        Response(429, "Too Many Requests", "too many connections from your address");

    // Problem details (RFC 9457).
    private static byte[] Response(int status, string title, string detail)
    {
        var body = $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":"{{detail}}","error":"{{detail}}"}""";
        return Encoding.ASCII.GetBytes(string.Join("\r\n",
            $"HTTP/1.1 {status} {title}", "Content-Type: application/problem+json", $"Content-Length: {body.Length}",
            "Cache-Control: no-store", "Retry-After: 1", "Connection: close", "", body));
    }
}
