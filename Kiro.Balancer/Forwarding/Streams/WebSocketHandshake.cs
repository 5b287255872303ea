using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Tells a WebSocket handshake (RFC 6455, section 4.2.1) from whatever else has an Upgrade field, which stays an ordinary request.</summary>
internal static class WebSocketHandshake
{
    public static bool Is(HttpRequest request) =>
        request.Headers.Upgrade.Count > 0
        && HttpMethods.IsGet(request.Method)
        && HttpProtocol.IsHttp11(request.Protocol)
        && string.Equals(request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase)
        && !string.IsNullOrEmpty(request.Headers.SecWebSocketKey)
        && !string.IsNullOrEmpty(request.Headers.SecWebSocketVersion)
        // Connection says so, too.
        && request.HttpContext.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };
}
