using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The state of a response after a step.</summary>
internal enum ResponseStep
{
    /// <summary>Waiting for more from the backend, or for the client to accept more.</summary>
    Waits,

    /// <summary>A head was parsed: in the worker's ResponseHead; its bytes, and what follows, are in the loop's Input.</summary>
    Head,

    /// <summary>Sent, or buffered to be sent.</summary>
    Complete,

    /// <summary>Invalid HTTP.</summary>
    Invalid,

    /// <summary>The backend's connection ended too early.</summary>
    Lost,

    ClientGone,
}

/// <summary>Forwards a response as it arrives, at the client's pace.</summary>
internal sealed class ResponsePump(FrontLoop loop, ResponseHead head)
{
    private int _looked;
    private bool _needsMore;
    private bool _readsHead;
    private BodyFraming _framing;
    private bool _makesChunks;
    private long _left;
    private ChunkDecoder? _chunks;
    private ITunnelEnd? _tunnel;
    private int _headLength;
    private int _available;

    /// <summary>Not a single byte has arrived.</summary>
    public bool IsUntouched { get; private set; }

    /// <summary>Whether the response leaves the backend's connection reusable.</summary>
    public bool IsClean { get; private set; }

    /// <summary>Starts waiting for a response; again for each attempt.</summary>
    public void Begin()
    {
        (_looked, _needsMore, _readsHead, IsUntouched, IsClean) = (0, false, true, true, false);
        (_chunks, _tunnel, _left) = (null, null, 0);
    }

    /// <summary>The last head as received, in the loop's Input.</summary>
    public ReadOnlySpan<byte> HeadBytes => loop.Input.AsSpan(FrontLoop.Lead, _headLength);

    /// <summary>Forwards until either side would block, or other connections must get their turn.</summary>
    /// <param name="client">The destination.</param>
    /// <param name="node">The source.</param>
    /// <param name="hasMoved">Whether there was progress.</param>
    public ResponseStep Run(ClientConnection client, BackendConnection node, out bool hasMoved)
    {
        hasMoved = false;
        for (var turn = 0; !client.HasUnsent; turn++)
        {
            if (turn == ClientConnection.MaxTurns)
            {
                loop.Queue(node);
                break;
            }

            var passage = client.TakeFrom(node, _left, _needsMore, out var count);
            if (count == -1)
            {
                break;
            }

            if (count <= 0)
            {
                return End(client, isLost: count < 0);
            }

            hasMoved = true;
            IsUntouched = false;
            var step = passage switch
            {
                Passage.Lost => ResponseStep.ClientGone,
                Passage.PassedOn => NotePassed(count),
                _ when _readsHead => ReadHead(count, node),
                _ => PassOn(0, 0, count, client, node),
            };
            if (step != ResponseStep.Waits)
            {
                return step;
            }
        }

        return ResponseStep.Waits;
    }

    /// <summary>Skips an interim response.</summary>
    public void Skip(BackendConnection node)
    {
        node.Store(loop.Input.AsSpan(FrontLoop.Lead + _headLength, _available - _headLength));
        (_looked, _needsMore) = (0, false);
    }

    /// <summary>Sends the rewritten head, together with the part of the body that arrived with it.</summary>
    /// <param name="written">The length of the rewritten head, in the loop's Output.</param>
    /// <param name="framing">How the body ends.</param>
    /// <param name="makesChunks">Whether the client gets it chunked.</param>
    /// <param name="client">The destination.</param>
    /// <param name="node">The source.</param>
    public ResponseStep BeginBody(int written, BodyFraming framing, bool makesChunks, ClientConnection client, BackendConnection node)
    {
        (_readsHead, _framing, _makesChunks, _needsMore) = (false, framing, makesChunks, false);
        _left = framing == BodyFraming.Length ? head.ContentLength ?? 0 : 0;
        _chunks = framing == BodyFraming.Chunked ? new ChunkDecoder() : null;
        if (framing == BodyFraming.None)
        {
            IsClean = _available == _headLength;
            return client.TrySend(loop.Output.AsSpan(0, written)) ? ResponseStep.Complete : ResponseStep.ClientGone;
        }

        return PassOn(written, _headLength, _available - _headLength, client, node);
    }

    /// <summary>After an upgrade: forwards all bytes until either side closes.</summary>
    public ResponseStep BeginTunnel(int written, ITunnelEnd tunnel, ClientConnection client, BackendConnection node)
    {
        _tunnel = tunnel;
        return BeginBody(written, BodyFraming.UntilClose, makesChunks: false, client, node);
    }

    /// <summary>Ends a chunked body early, as if it were complete.</summary>
    /// <returns>False when the body is not chunked, or the client is gone.</returns>
    public bool TryEnd(ClientConnection client) => _makesChunks && client.TrySend("0\r\n\r\n"u8);

    private ResponseStep ReadHead(int count, BackendConnection node)
    {
        var bytes = loop.Input.AsSpan(FrontLoop.Lead, count);
        var state = ResponseParser.Parse(bytes, _looked, head, out _headLength);
        _available = count;
        switch (state)
        {
            case HeadState.Complete:
                return ResponseStep.Head;
            case HeadState.Incomplete:
                (_looked, _needsMore) = (count, true);
                node.Store(bytes);
                return ResponseStep.Waits;
            default:
                return ResponseStep.Invalid;
        }
    }

    private ResponseStep NotePassed(int count)
    {
        _left -= count;
        IsClean = _left == 0;
        return IsClean ? ResponseStep.Complete : ResponseStep.Waits;
    }

    // A rewritten head is placed right before the body, so that both leave in one send without copying the body.
    private ResponseStep PassOn(int headLength, int from, int count, ClientConnection client, BackendConnection node)
    {
        var start = FrontLoop.Lead + from;
        var bytes = loop.Input.AsSpan(start, count);
        var (data, isComplete, end) = (count, false, Array.Empty<byte>());
        switch (_framing)
        {
            case BodyFraming.Length:
                data = (int)Math.Min(_left, count);
                _left -= data;
                isComplete = _left == 0;
                IsClean = data == count;
                break;
            case BodyFraming.Chunked:
                if (!ChunkedPiece.TryDecode(_chunks!, bytes, out data, out var consumed))
                {
                    // Forward what was valid.
                    return data > 0 && headLength == 0 && !TrySend(client, 0, start, data) ? ResponseStep.ClientGone : ResponseStep.Invalid;
                }

                isComplete = _chunks!.IsComplete;
                IsClean = consumed == count;
                if (!isComplete)
                {
                    node.Store(bytes[consumed..]);
                    _needsMore = true;
                }

                break;
            default:
                data = _tunnel?.Filter(bytes) ?? count;
                break;
        }

        if (isComplete && _makesChunks)
        {
            end = ChunkedPiece.EndOfResponse(_chunks!);
        }

        if ((data > 0 || headLength > 0) && !TrySend(client, headLength, start, data, end))
        {
            return ResponseStep.ClientGone;
        }

        if (data == 0 && headLength == 0 && end.Length > 0 && !client.TrySend(end))
        {
            return ResponseStep.ClientGone;
        }

        return isComplete ? ResponseStep.Complete : ResponseStep.Waits;
    }

    private bool TrySend(ClientConnection client, int headLength, int start, int data, ReadOnlySpan<byte> end = default)
    {
        var (first, last) = (start, start + data);
        if (_makesChunks && data > 0)
        {
            first = ChunkedPiece.WriteSizeBefore(loop.Input, start, data);
            "\r\n"u8.CopyTo(loop.Input.AsSpan(last));
            last += 2;
        }

        first -= headLength;
        loop.Output.AsSpan(0, headLength).CopyTo(loop.Input.AsSpan(first));
        if (end.Length > loop.Input.Length - last)
        {
            return client.TrySend(loop.Input.AsSpan(first, last - first)) && client.TrySend(end);
        }

        end.CopyTo(loop.Input.AsSpan(last));
        return client.TrySend(loop.Input.AsSpan(first, last + end.Length - first));
    }

    private ResponseStep End(ClientConnection client, bool isLost)
    {
        if (_readsHead || _framing != BodyFraming.UntilClose || (isLost && _tunnel is null))
        {
            return ResponseStep.Lost;
        }

        return !_makesChunks || client.TrySend("0\r\n\r\n"u8) ? ResponseStep.Complete : ResponseStep.ClientGone;
    }
}

/// <summary>Inspects what a backend sends through a tunnel.</summary>
internal interface ITunnelEnd
{
    /// <returns>How many of the bytes to forward; the rest is dealt with.</returns>
    int Filter(ReadOnlySpan<byte> bytes);
}
