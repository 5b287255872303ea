using Kiro.Balancer.Backends;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Keeps hold of the connection, or of the stream of HTTP/2, when a WebSocket request is taken, so that it can be closed
/// properly.</summary>
internal sealed class TunnelFeature : IHttpUpgradeFeature, IHttpExtendedConnectFeature, IDisposable
{
    private readonly HttpContext _context;
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly int _slot;
    private readonly Backend _backend;
    private readonly OpenStreams _streams;
    private readonly TimeProvider _time;
    private WebSocketTunnel? _tunnel;

    /// <param name="context">A WebSocket handshake.</param>
    /// <param name="slot">The client's.</param>
    /// <param name="backend">Where it goes.</param>
    /// <param name="streams">Told when it is taken.</param>
    /// <param name="time">For the time that closing may take.</param>
    public TunnelFeature(HttpContext context, int slot, Backend backend, OpenStreams streams, TimeProvider time)
    {
        (_context, _slot, _backend, _streams, _time) = (context, slot, backend, streams, time);
        _upgrade = context.Features.Get<IHttpUpgradeFeature>();
        _connect = context.Features.Get<IHttpExtendedConnectFeature>();
        if (IsExtendedConnect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(this);
        }
        else
        {
            context.Features.Set<IHttpUpgradeFeature>(this);
        }
    }

    public bool IsUpgradableRequest => _upgrade is { IsUpgradableRequest: true };

    public bool IsExtendedConnect => _connect is { IsExtendedConnect: true };

    public string? Protocol => _connect?.Protocol;

    public async Task<Stream> UpgradeAsync() => Hold(await _upgrade!.UpgradeAsync());

    public async ValueTask<Stream> AcceptAsync() => Hold(await _connect!.AcceptAsync());

    public void Dispose()
    {
        if (_tunnel is not null)
        {
            _streams.Remove(_tunnel);
        }

        if (IsExtendedConnect)
        {
            _context.Features.Set(_connect);
        }
        else
        {
            _context.Features.Set(_upgrade);
        }
    }

    private WebSocketTunnel Hold(Stream client)
    {
        _tunnel = new WebSocketTunnel(client, _context.Abort, _time);
        _streams.Add(_tunnel, _slot, _backend);
        return _tunnel;
    }
}
