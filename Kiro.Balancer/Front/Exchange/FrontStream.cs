using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// An event stream or a WebSocket. A WebSocket is ended by a close frame with status 1001 (going away) between two of the
/// backend's frames; what the backend sends after it is discarded.
/// </summary>
internal sealed class FrontStream : IOpenStream
{
    /// <summary>For the client to answer the close frame, in milliseconds.</summary>
    public const int CloseTimeout = 2000;

    // FIN + close, 2 bytes of payload: 1001.
    private static ReadOnlySpan<byte> GoingAway => [0x88, 0x02, 0x03, 0xE9];

    private readonly FrontWorker _worker;
    private readonly FrameBoundary? _boundary;
    private BackendAttempt? _dialogue;
    private ClientConnection? _client;
    private bool _hasSentClose;

    public FrontStream(FrontWorker worker, BackendAttempt dialogue, int slot, Backend backend, bool isTunnel = false)
    {
        (_worker, _dialogue, _boundary) = (worker, dialogue, isTunnel ? new FrameBoundary() : null);
        worker.Services.Streams.Add(this, slot, backend);
    }

    /// <summary>Whether the end has been requested.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>Thread-safe.</summary>
    public void End() => _worker.Loop.Post(static stream => ((FrontStream)stream!)._dialogue?.EndStream(), this);

    /// <summary>The exchange is over.</summary>
    public void Unregister()
    {
        _dialogue = null;
        _worker.Services.Streams.Remove(this);
    }

    /// <summary>Sends a WebSocket's close frame, at the next frame boundary.</summary>
    /// <returns>False when it is not a WebSocket.</returns>
    public bool TryEnd(ClientConnection client)
    {
        if (_boundary is null)
        {
            return false;
        }

        (IsEnding, _client) = (true, client);
        if (_boundary.IsAtBoundary)
        {
            SendClose();
        }

        return true;
    }

    /// <summary>Tracks the frames that a backend sends through a tunnel.</summary>
    /// <returns>How many of the bytes to forward; the rest is dealt with.</returns>
    public int Filter(ReadOnlySpan<byte> bytes)
    {
        if (_hasSentClose)
        {
            return 0;
        }

        var boundary = _boundary!.Advance(bytes);
        if (!IsEnding || boundary < 0)
        {
            return bytes.Length;
        }

        if (!_client!.TrySend(bytes[..boundary]))
        {
            // The next send or receive will report it.
            return 0;
        }

        SendClose();
        return 0;
    }

    private void SendClose()
    {
        _hasSentClose = true;
        _ = _client!.TrySend(GoingAway);
    }
}
