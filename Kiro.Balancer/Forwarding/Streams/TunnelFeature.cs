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

    /// <param name="context">A WebSocket handshake.</param>
    /// <param name="backend">Where it goes.</param>
    /// <param name="streams">Told when it is upgraded.</param>
    /// <param name="time">For the time that a goodbye may take.</param>
    public static TunnelFeature For(HttpContext context, Backend backend, OpenStreams streams, TimeProvider time)
    {
        var feature = new TunnelFeature(context, context.Features.GetRequiredFeature<IHttpUpgradeFeature>(), backend, streams, time);
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
