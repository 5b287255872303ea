using System.Buffers.Binary;
using Kiro.Balancer.Backends;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>
/// The client's end of a WebSocket. Bytes pass unchanged; when the socket is to be closed, a close frame with 1001
/// ("going away") is put between two frames of the node's, and what the node sends after it is dropped.
/// </summary>
internal sealed class WebSocketTunnel(Stream client, Action abort, TimeProvider time) : ForwardOnlyStream, IOpenStream
{
    // FIN + close, 2 bytes of payload: 1001.
    private static readonly byte[] GoingAway = [0x88, 0x02, 0x03, 0xE9];

    /// <summary>A client that has not answered the close frame by then is cut off.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

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
            // A client that does not read delays the close frame, too; it gets no more time than the others.
            var patience = Task.Delay(Patience, time);
            _ = CloseBetweenFramesAsync();
            await patience;
            abort();
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It ended by itself meanwhile.
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
            // It ended by itself meanwhile.
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

/// <summary>Follows a stream of WebSocket frames (RFC 6455, section 5.2) to know where one ends and the next begins.</summary>
internal sealed class FrameBoundary
{
    private const int MaxHeaderBytes = 14;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private int _headerLength;
    private ulong _payloadLeft;

    /// <summary>Between two frames.</summary>
    public bool IsAtBoundary => _headerLength == 0 && _payloadLeft == 0;

    /// <summary>Moves on by some bytes.</summary>
    /// <returns>The place of the last boundary in them (0 to their length), or -1 when there is none.</returns>
    public int Advance(ReadOnlySpan<byte> bytes)
    {
        var last = IsAtBoundary ? 0 : -1;
        for (var place = 0; place < bytes.Length;)
        {
            if (_payloadLeft > 0)
            {
                var taken = (int)Math.Min(_payloadLeft, (ulong)(bytes.Length - place));
                _payloadLeft -= (ulong)taken;
                place += taken;
            }
            else
            {
                _header[_headerLength++] = bytes[place++];
                if (_headerLength < HeaderLength())
                {
                    continue;
                }

                _payloadLeft = PayloadLength();
                _headerLength = 0;
            }

            if (IsAtBoundary)
            {
                last = place;
            }
        }

        return last;
    }

    private int HeaderLength() => _headerLength < 2 ? 2
        : 2 + (_header[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 } + ((_header[1] & 0x80) != 0 ? 4 : 0);

    private ulong PayloadLength() => (_header[1] & 0x7F) switch
    {
        126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
        127 => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
        var length => (ulong)length,
    };
}
