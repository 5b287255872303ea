using System.Net.Http.Headers;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Tells the node who the client is and what it asked for. What a trusted proxy said before is kept and completed;
/// what anybody else claimed is dropped.
/// </summary>
internal static class ForwardedHeaders
{
    private const string For = "X-Forwarded-For";
    private const string Proto = "X-Forwarded-Proto";
    private const string Host = "X-Forwarded-Host";
    private const string RealIp = "X-Real-IP";
    private const string Prefix = "X-Forwarded-";
    private const string Standard = "Forwarded";

    public static void Set(HttpRequest request, in Client client, HttpRequestHeaders headers)
    {
        var peer = client.Peer.ToString();
        var (forwardedFor, proto, host) = (peer, request.Scheme, request.Host.Value ?? "");
        if (client.PeerIsTrusted)
        {
            if (request.Headers[For] is { Count: > 0 } before)
            {
                forwardedFor = $"{string.Join(", ", before.ToArray())}, {peer}";
            }

            proto = First(request.Headers[Proto]) ?? proto;
            host = First(request.Headers[Host]) ?? host;
        }

        DropClaims(request.Headers, client.PeerIsTrusted, headers);
        Replace(headers, For, forwardedFor);
        Replace(headers, Proto, proto);
        Replace(headers, Host, host);
        Replace(headers, RealIp, client.Address.ToString());
    }

    private static void DropClaims(IHeaderDictionary claimed, bool peerIsTrusted, HttpRequestHeaders headers)
    {
        foreach (var (name, _) in claimed)
        {
            if (name.Contains('_') ? IsLookalike(name.Replace('_', '-')) : !peerIsTrusted && IsClaim(name))
            {
                headers.Remove(name);
            }
        }
    }

    private static bool IsClaim(string name) =>
        name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.Equals(Standard, StringComparison.OrdinalIgnoreCase);

    // CGI-like nodes cannot tell X_Real_IP from X-Real-IP; only the balancer's word may look like it.
    private static bool IsLookalike(string meant) =>
        meant.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || meant.Equals(RealIp, StringComparison.OrdinalIgnoreCase);

    private static string? First(Microsoft.Extensions.Primitives.StringValues values) =>
        values.Count > 0 && values[0] is { Length: > 0 } value ? value : null;

    private static void Replace(HttpRequestHeaders headers, string name, string value)
    {
        headers.Remove(name);
        if (value.Length > 0)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}
