using Kiro.Balancer.Backends;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>
/// The client's side of a WebSocket. Data passes through unchanged. To close it, a close frame with status 1001 (going away) is inserted at a
/// frame boundary, and anything that the backend sends later is dropped.
/// </summary>
internal sealed class WebSocketTunnel(Stream client, Action abort, TimeProvider time) : ForwardOnlyStream, IOpenStream
{
    // FIN, opcode close, payload of 2 bytes: 1001.
    private static readonly byte[] GoingAway = [0x88, 0x02, 0x03, 0xE9];

    /// <summary>How long the client may take to answer the close frame.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly FrameBoundary _boundary = new();
    private volatile bool _isClosing;
    private bool _isClosed;
    private PeriodicYield _reads;
    private PeriodicYield _writes;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _reads.YieldAsync();
        return await client.ReadAsync(buffer, cancellationToken);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _writes.YieldAsync();
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (_isClosed)
            {
                return;
            }

            var boundary = _boundary.Advance(buffer.Span);
            if (!_isClosing || boundary < 0)
            {
                await client.WriteAsync(buffer, cancellationToken);
                return;
            }

            await client.WriteAsync(buffer[..boundary], cancellationToken);
            await SendCloseAsync();
        }
        finally
        {
            _writing.Release();
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => client.FlushAsync(cancellationToken);

    public void End() => _ = EndAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            client.Dispose();
            _writing.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task EndAsync()
    {
        try
        {
            _isClosing = true;
            // Starts before the write: a client that does not read also blocks the close frame.
            var timeout = Task.Delay(CloseTimeout, time);
            _ = CloseBetweenFramesAsync();
            await timeout;
            abort();
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It closed meanwhile.
        }
    }

    private async Task CloseBetweenFramesAsync()
    {
        try
        {
            await _writing.WaitAsync();
            try
            {
                if (_boundary.IsAtBoundary)
                {
                    await SendCloseAsync();
                }
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It closed meanwhile.
        }
    }

    private async Task SendCloseAsync()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            await client.WriteAsync(GoingAway);
            await client.FlushAsync();
        }
    }
}

/// <summary>Recognises WebSocket handshakes (RFC 6455, section 4.2.1). Any other request with an Upgrade field is an ordinary one.</summary>
internal static class WebSocketHandshake
{
    public static bool Is(HttpRequest request) => IsExtended(request.HttpContext) || IsUpgrade(request);

    /// <summary>An extended CONNECT over HTTP/2 (RFC 8441).</summary>
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
        // This includes "upgrade" in Connection.
        && request.HttpContext.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };
}

/// <summary>Tracks the tunnel that YARP accepts for a WebSocket handshake, so that it can be closed properly.</summary>
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

    public async Task<Stream> UpgradeAsync() => Track(await _upgrade!.UpgradeAsync());

    public async ValueTask<Stream> AcceptAsync() => Track(await _connect!.AcceptAsync());

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

    private WebSocketTunnel Track(Stream client)
    {
        _tunnel = new WebSocketTunnel(client, _context.Abort, _time);
        _streams.Add(_tunnel, _slot, _backend);
        return _tunnel;
    }
}
