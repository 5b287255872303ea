using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The state of a request body.</summary>
internal enum BodyState
{
    /// <summary>Not read yet: the client waits for 100 Continue.</summary>
    AwaitingContinue,

    /// <summary>Forwarded as it arrives.</summary>
    Streaming,

    /// <summary>Forwarded, or about to be forwarded, in full.</summary>
    Complete,

    /// <summary>The rest is not wanted.</summary>
    Discarded,
}

/// <summary>Why a request body cannot be forwarded.</summary>
internal enum BodyFault
{
    None,

    /// <summary>The client closed its side before the end of the body.</summary>
    Truncated,

    /// <summary>Invalid chunks.</summary>
    Invalid,

    /// <summary>Over the size limit.</summary>
    TooLarge,

    /// <summary>The client's connection is lost.</summary>
    ClientLost,

    /// <summary>The backend's connection is lost.</summary>
    BackendLost,
}

/// <summary>Forwards a request body as it arrives, at the backend's pace.</summary>
internal sealed class RequestBodyPump(FrontLoop loop, BodyLimit limit)
{
    /// <summary>Hexadecimal digits of a chunk size: chunks of up to 4 GiB. Larger ones suggest request smuggling.</summary>
    private const int MaxSizeDigits = 8;

    private BodyFraming _framing;
    private long _left;
    private ChunkDecoder? _chunks;
    private long _total;
    private bool _needsMore;

    public BodyState State { get; private set; }

    public void Begin(RequestHead head)
    {
        _framing = head.Framing;
        _left = head.Framing == BodyFraming.Length ? head.ContentLength ?? 0 : 0;
        _chunks = _framing == BodyFraming.Chunked ? new ChunkDecoder(MaxSizeDigits) : null;
        (_needsMore, _total) = (false, 0);
        State = _framing == BodyFraming.None ? BodyState.Complete : head.ExpectsContinue ? BodyState.AwaitingContinue : BodyState.Streaming;
    }

    /// <summary>After an upgrade: forwards all bytes until either side closes.</summary>
    public void BeginTunnel() => (_framing, State, _needsMore, _left) = (BodyFraming.UntilClose, BodyState.Streaming, false, 0);

    /// <summary>The body is buffered instead.</summary>
    public void Skip() => State = BodyState.Complete;

    /// <summary>Starts a body that waits for 100 Continue.</summary>
    public void Resume() => State = State == BodyState.AwaitingContinue ? BodyState.Streaming : State;

    /// <summary>Discards the rest.</summary>
    public void Discard() => State = State == BodyState.Complete ? State : BodyState.Discarded;

    /// <summary>Appends the part of the body that arrived with the head.</summary>
    /// <param name="bytes">What follows the head; decoded in place.</param>
    /// <param name="outgoing">The request, with room for <see cref="MaxInitialLength"/>.</param>
    /// <param name="consumed">How much of it belongs to the body.</param>
    /// <returns>None, Invalid or TooLarge.</returns>
    public BodyFault AppendInitial(Span<byte> bytes, OutgoingRequest outgoing, out int consumed)
    {
        consumed = 0;
        if (State != BodyState.Streaming || bytes.IsEmpty)
        {
            return BodyFault.None;
        }

        if (_framing == BodyFraming.Length)
        {
            consumed = (int)Math.Min(_left, bytes.Length);
            outgoing.Append(bytes[..consumed]);
            Count(consumed);
            return BodyFault.None;
        }

        if (!ChunkFraming.TryDecode(_chunks!, bytes, out var data, out consumed))
        {
            return BodyFault.Invalid;
        }

        if (limit.Refuses(_total += data))
        {
            return BodyFault.TooLarge;
        }

        _needsMore = true;
        if (data > 0)
        {
            outgoing.Advance(ChunkFraming.WriteSize(outgoing.Free, data));
            outgoing.Append(bytes[..data]);
            outgoing.Append("\r\n"u8);
        }

        if (_chunks!.IsComplete)
        {
            State = BodyState.Complete;
            outgoing.Append(ChunkFraming.LastChunkOfRequest(_chunks));
        }

        return BodyFault.None;
    }

    /// <summary>The space that <see cref="AppendInitial"/> needs, in bytes.</summary>
    public int MaxInitialLength(int available) => State != BodyState.Streaming ? 0
        : _framing == BodyFraming.Length ? (int)Math.Min(_left, available)
        : available + 2 * ChunkFraming.MaxFrame;

    /// <summary>Forwards until either side would block, or other connections must get their turn.</summary>
    /// <param name="client">The source.</param>
    /// <param name="backend">The destination.</param>
    /// <param name="hasMoved">Whether there was progress.</param>
    public BodyFault Run(ClientConnection client, BackendConnection backend, out bool hasMoved)
    {
        hasMoved = false;
        for (var turn = 0; State == BodyState.Streaming && !backend.HasPendingOutput; turn++)
        {
            if (turn == ClientConnection.MaxStepsPerTurn)
            {
                loop.QueueTurn(client);
                break;
            }

            var result = backend.TransferFrom(client, _left, _needsMore, out var count);
            if (count == -1)
            {
                return client.PeerHasClosed && !client.IsReadable ? BodyFault.Truncated : BodyFault.None;
            }

            if (count <= 0)
            {
                return count == 0 ? BodyFault.Truncated : BodyFault.ClientLost;
            }

            hasMoved = true;
            if (result != TransferResult.Received)
            {
                Count(count);
            }

            var fault = result switch
            {
                TransferResult.Lost => BodyFault.BackendLost,
                TransferResult.Forwarded => BodyFault.None,
                _ => Forward(count, client, backend),
            };
            if (fault != BodyFault.None)
            {
                return fault;
            }
        }

        return BodyFault.None;
    }

    private BodyFault Forward(int count, ClientConnection client, BackendConnection backend)
    {
        var bytes = loop.Input.AsSpan(FrontLoop.Headroom, count);
        if (_framing != BodyFraming.Chunked)
        {
            var length = _framing == BodyFraming.UntilClose ? count : (int)Math.Min(_left, count);
            client.BufferInput(bytes[length..]);
            if (_framing == BodyFraming.Length)
            {
                Count(length);
            }

            return backend.TrySend(bytes[..length]) ? BodyFault.None : BodyFault.BackendLost;
        }

        var isValid = ChunkFraming.TryDecode(_chunks!, bytes, out var data, out var consumed);
        if (!isValid)
        {
            return BodyFault.Invalid;
        }

        if (limit.Refuses(_total += data))
        {
            return BodyFault.TooLarge;
        }

        client.BufferInput(bytes[consumed..]);
        _needsMore = true;
        if (data > 0)
        {
            var start = ChunkFraming.WriteSizeBefore(loop.Input, FrontLoop.Headroom, data);
            "\r\n"u8.CopyTo(loop.Input.AsSpan(FrontLoop.Headroom + data));
            if (!backend.TrySend(loop.Input.AsSpan(start, FrontLoop.Headroom - start + data + 2)))
            {
                return BodyFault.BackendLost;
            }
        }

        if (_chunks!.IsComplete)
        {
            State = BodyState.Complete;
            return backend.TrySend(ChunkFraming.LastChunkOfRequest(_chunks)) ? BodyFault.None : BodyFault.BackendLost;
        }

        return BodyFault.None;
    }

    private void Count(int bytes)
    {
        _left -= bytes;
        State = _left == 0 ? BodyState.Complete : State;
    }
}

/// <summary>Buffers a small body before the request is sent, so that it can be retried.</summary>
internal sealed class BufferedBodyReader(FrontLoop loop, OutgoingRequest outgoing)
{
    private int _left;

    /// <summary>Whether there is no such body, or it is complete.</summary>
    public bool IsComplete => _left == 0;

    /// <summary>Starts with the part that arrived with the head.</summary>
    /// <param name="length">The length of the body.</param>
    /// <param name="bytes">What follows the head.</param>
    /// <returns>How much of it belongs to the body.</returns>
    public int Begin(int length, ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(length, bytes.Length);
        outgoing.Append(bytes[..taken]);
        _left = length - taken;
        return taken;
    }

    /// <summary>Reads what is there.</summary>
    public BodyFault Run(ClientConnection client)
    {
        while (_left > 0)
        {
            var count = client.Fill(needsMore: false);
            if (count <= 0)
            {
                return count == -2 ? BodyFault.ClientLost
                    : count == 0 || (client.PeerHasClosed && !client.IsReadable) ? BodyFault.Truncated : BodyFault.None;
            }

            var bytes = loop.Input.AsSpan(FrontLoop.Headroom, count);
            var taken = Math.Min(count, _left);
            outgoing.Append(bytes[..taken]);
            client.BufferInput(bytes[taken..]);
            _left -= taken;
        }

        return BodyFault.None;
    }

    /// <summary>Cancels.</summary>
    public void End() => _left = 0;
}
