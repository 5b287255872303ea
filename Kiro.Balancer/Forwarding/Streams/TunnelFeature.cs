using Kiro.Balancer.Backends;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Keeps hold of the connection when a WebSocket request is upgraded, so that it can be closed properly.</summary>
internal sealed class TunnelFeature(
    HttpContext context, IHttpUpgradeFeature inner, Backend backend, OpenStreams streams, TimeProvider time)
    : IHttpUpgradeFeature, IDisposable
{
    private WebSocketTunnel? _tunnel;

    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    /// <summary>For a WebSocket request; null for any other.</summary>
    public static TunnelFeature? For(HttpContext context, Backend backend, OpenStreams streams, TimeProvider time)
    {
        if (!string.Equals(context.Request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase)
            || context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } inner)
        {
            return null;
        }

        var feature = new TunnelFeature(context, inner, backend, streams, time);
        context.Features.Set<IHttpUpgradeFeature>(feature);
        return feature;
    }

    public async Task<Stream> UpgradeAsync()
    {
        _tunnel = new WebSocketTunnel(await inner.UpgradeAsync(), context.Abort, time);
        streams.Add(_tunnel, backend);
        return _tunnel;
    }

    public void Dispose()
    {
        if (_tunnel is not null)
        {
            streams.Remove(_tunnel);
        }

        context.Features.Set(inner);
    }
}
