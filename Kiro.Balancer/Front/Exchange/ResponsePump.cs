using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The state of a response after a step.</summary>
internal enum ResponseStep
{
    /// <summary>Waiting for more from the backend, or for the client to accept more.</summary>
    Pending,

    /// <summary>A head was parsed: in the worker's ResponseHead; its bytes, and what follows, are in the loop's Input.</summary>
    Head,

    /// <summary>Sent, or buffered to be sent.</summary>
    Complete,

    /// <summary>Invalid HTTP.</summary>
    Invalid,

    /// <summary>The backend's connection ended too early.</summary>
    BackendLost,

    ClientLost,
}

/// <summary>Forwards a response as it arrives, at the client's pace.</summary>
internal sealed class ResponsePump(FrontLoop loop, ResponseHead head)
{
    private int _parsed;
    private bool _needsMore;
    private bool _readsHead;
    private BodyFraming _framing;
    private bool _isChunked;
    private long _left;
    private ChunkDecoder? _chunks;
    private FrontStream? _tunnel;
    private int _headLength;
    private int _available;

    /// <summary>Not a single byte has arrived.</summary>
    public bool HasNothing { get; private set; }

    /// <summary>Whether the response leaves the backend's connection reusable.</summary>
    public bool IsReusable { get; private set; }

    /// <summary>Starts waiting for a response; again for each attempt.</summary>
    public void Begin()
    {
        (_parsed, _needsMore, _readsHead, HasNothing, IsReusable) = (0, false, true, true, false);
        (_chunks, _tunnel, _left) = (null, null, 0);
    }

    /// <summary>The last head as received, in the loop's Input.</summary>
    public ReadOnlySpan<byte> HeadBytes => loop.Input.AsSpan(FrontLoop.Headroom, _headLength);

    /// <summary>Forwards until either side would block, or other connections must get their turn.</summary>
    /// <param name="client">The destination.</param>
    /// <param name="backend">The source.</param>
    /// <param name="hasMoved">Whether there was progress.</param>
    public ResponseStep Run(ClientConnection client, BackendConnection backend, out bool hasMoved)
    {
        hasMoved = false;
        for (var turn = 0; !client.HasPendingOutput; turn++)
        {
            if (turn == ClientConnection.MaxStepsPerTurn)
            {
                loop.QueueTurn(backend);
                break;
            }

            var result = client.TransferFrom(backend, _left, _needsMore, out var count);
            if (count == -1)
            {
                break;
            }

            if (count <= 0)
            {
                return End(client, isLost: count < 0);
            }

            hasMoved = true;
            HasNothing = false;
            var step = result switch
            {
                TransferResult.Lost => ResponseStep.ClientLost,
                TransferResult.Forwarded => CountForwarded(count),
                _ when _readsHead => ReadHead(count, backend),
                _ => Forward(0, 0, count, client, backend),
            };
            if (step != ResponseStep.Pending)
            {
                return step;
            }
        }

        return ResponseStep.Pending;
    }

    /// <summary>Skips an interim response.</summary>
    public void SkipInterim(BackendConnection backend)
    {
        backend.BufferInput(loop.Input.AsSpan(FrontLoop.Headroom + _headLength, _available - _headLength));
        (_parsed, _needsMore) = (0, false);
    }

    /// <summary>Sends the rewritten head, together with the part of the body that arrived with it.</summary>
    /// <param name="written">The length of the rewritten head, in the loop's Output.</param>
    /// <param name="framing">How the body ends.</param>
    /// <param name="chunks">Whether the client gets it chunked.</param>
    /// <param name="client">The destination.</param>
    /// <param name="backend">The source.</param>
    public ResponseStep BeginBody(int written, BodyFraming framing, bool chunks, ClientConnection client, BackendConnection backend)
    {
        (_readsHead, _framing, _isChunked, _needsMore) = (false, framing, chunks, false);
        _left = framing == BodyFraming.Length ? head.ContentLength ?? 0 : 0;
        _chunks = framing == BodyFraming.Chunked ? new ChunkDecoder() : null;
        if (framing == BodyFraming.None)
        {
            IsReusable = _available == _headLength;
            return client.TrySend(loop.Output.AsSpan(0, written)) ? ResponseStep.Complete : ResponseStep.ClientLost;
        }

        return Forward(written, _headLength, _available - _headLength, client, backend);
    }

    /// <summary>After an upgrade: forwards all bytes until either side closes.</summary>
    public ResponseStep BeginTunnel(int written, FrontStream tunnel, ClientConnection client, BackendConnection backend)
    {
        _tunnel = tunnel;
        return BeginBody(written, BodyFraming.UntilClose, chunks: false, client, backend);
    }

    /// <summary>Ends a chunked body early, as if it were complete.</summary>
    /// <returns>False when the body is not chunked, or the client is gone.</returns>
    public bool TryEnd(ClientConnection client) => _isChunked && client.TrySend("0\r\n\r\n"u8);

    private ResponseStep ReadHead(int count, BackendConnection backend)
    {
        var bytes = loop.Input.AsSpan(FrontLoop.Headroom, count);
        var state = ResponseParser.Parse(bytes, _parsed, head, out _headLength);
        _available = count;
        switch (state)
        {
            case HeadState.Complete:
                return ResponseStep.Head;
            case HeadState.Incomplete:
                (_parsed, _needsMore) = (count, true);
                backend.BufferInput(bytes);
                return ResponseStep.Pending;
            default:
                return ResponseStep.Invalid;
        }
    }

    private ResponseStep CountForwarded(int count)
    {
        _left -= count;
        IsReusable = _left == 0;
        return IsReusable ? ResponseStep.Complete : ResponseStep.Pending;
    }

    // A rewritten head is placed right before the body, so that both leave in one send without copying the body.
    private ResponseStep Forward(int headLength, int from, int count, ClientConnection client, BackendConnection backend)
    {
        var start = FrontLoop.Headroom + from;
        var bytes = loop.Input.AsSpan(start, count);
        var (data, isComplete, end) = (count, false, Array.Empty<byte>());
        switch (_framing)
        {
            case BodyFraming.Length:
                data = (int)Math.Min(_left, count);
                _left -= data;
                isComplete = _left == 0;
                IsReusable = data == count;
                break;
            case BodyFraming.Chunked:
                if (!ChunkFraming.TryDecode(_chunks!, bytes, out data, out var consumed))
                {
                    // Forward what was valid.
                    return data > 0 && headLength == 0 && !TrySend(client, 0, start, data) ? ResponseStep.ClientLost : ResponseStep.Invalid;
                }

                isComplete = _chunks!.IsComplete;
                IsReusable = consumed == count;
                if (!isComplete)
                {
                    backend.BufferInput(bytes[consumed..]);
                    _needsMore = true;
                }

                break;
            default:
                data = _tunnel?.Filter(bytes) ?? count;
                break;
        }

        if (isComplete && _isChunked)
        {
            end = ChunkFraming.LastChunkOfResponse(_chunks!);
        }

        if ((data > 0 || headLength > 0) && !TrySend(client, headLength, start, data, end))
        {
            return ResponseStep.ClientLost;
        }

        if (data == 0 && headLength == 0 && end.Length > 0 && !client.TrySend(end))
        {
            return ResponseStep.ClientLost;
        }

        return isComplete ? ResponseStep.Complete : ResponseStep.Pending;
    }

    private bool TrySend(ClientConnection client, int headLength, int start, int data, ReadOnlySpan<byte> end = default)
    {
        var (first, last) = (start, start + data);
        if (_isChunked && data > 0)
        {
            first = ChunkFraming.WriteSizeBefore(loop.Input, start, data);
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
            return ResponseStep.BackendLost;
        }

        return !_isChunked || client.TrySend("0\r\n\r\n"u8) ? ResponseStep.Complete : ResponseStep.ClientLost;
    }
}
