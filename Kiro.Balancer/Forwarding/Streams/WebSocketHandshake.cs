using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Tells a WebSocket handshake (RFC 6455, section 4.2.1) from whatever else has an Upgrade field, which stays an ordinary request.</summary>
internal static class WebSocketHandshake
{
    public static bool Is(HttpRequest request) => IsExtended(request.HttpContext) || IsUpgrade(request);

    /// <summary>The same over HTTP/2: CONNECT with a protocol (RFC 8441).</summary>
    public static bool IsExtended(HttpContext context) =>
        context.Request.Method == HttpMethods.Connect
        && context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: { } protocol }
        && string.Equals(protocol, "websocket", StringComparison.OrdinalIgnoreCase);

    private static bool IsUpgrade(HttpRequest request) =>
        request.Headers.Upgrade.Count > 0
        && request.Method == HttpMethods.Get
        && HttpProtocol.IsHttp11(request.Protocol)
        && string.Equals(request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase)
        && !string.IsNullOrEmpty(request.Headers.SecWebSocketKey)
        && !string.IsNullOrEmpty(request.Headers.SecWebSocketVersion)
        // Connection says so, too.
        && request.HttpContext.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };
}
