using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The state of a request body.</summary>
internal enum BodyState
{
    /// <summary>Not read yet: the client waits for 100 Continue.</summary>
    Held,

    /// <summary>Forwarded as it arrives.</summary>
    Flowing,

    /// <summary>Forwarded, or about to be forwarded, in full.</summary>
    Complete,

    /// <summary>The rest is not wanted.</summary>
    Dropped,
}

/// <summary>Why a request body cannot be forwarded.</summary>
internal enum BodyFault
{
    None,

    /// <summary>The client closed its side before the end of the body.</summary>
    Ended,

    /// <summary>Invalid chunks.</summary>
    Invalid,

    /// <summary>Over the size limit.</summary>
    TooLong,

    /// <summary>The client's connection is lost.</summary>
    Gone,

    /// <summary>The backend's connection is lost.</summary>
    BackendLost,
}

/// <summary>Forwards a request body as it arrives, at the backend's pace.</summary>
internal sealed class RequestPump(FrontLoop loop, BodyLimit limit)
{
    /// <summary>Hexadecimal digits of a chunk size: chunks of up to 4 GiB. Larger ones suggest request smuggling.</summary>
    private const int MaxSizeDigits = 8;

    private BodyFraming _framing;
    private long _left;
    private ChunkDecoder? _chunks;
    private long _passed;
    private bool _needsMore;

    public BodyState State { get; private set; }

    public void Begin(RequestHead head)
    {
        _framing = head.Framing;
        _left = head.Framing == BodyFraming.Length ? head.ContentLength ?? 0 : 0;
        _chunks = _framing == BodyFraming.Chunked ? new ChunkDecoder(MaxSizeDigits) : null;
        (_needsMore, _passed) = (false, 0);
        State = _framing == BodyFraming.None ? BodyState.Complete : head.ExpectsContinue ? BodyState.Held : BodyState.Flowing;
    }

    /// <summary>After an upgrade: forwards all bytes until either side closes.</summary>
    public void BeginTunnel() => (_framing, State, _needsMore, _left) = (BodyFraming.UntilClose, BodyState.Flowing, false, 0);

    /// <summary>The body is buffered instead.</summary>
    public void Keep() => State = BodyState.Complete;

    /// <summary>Starts a body that waits for 100 Continue.</summary>
    public void Release() => State = State == BodyState.Held ? BodyState.Flowing : State;

    /// <summary>Discards the rest.</summary>
    public void Drop() => State = State == BodyState.Complete ? State : BodyState.Dropped;

    /// <summary>Appends the part of the body that arrived with the head.</summary>
    /// <param name="bytes">What follows the head; decoded in place.</param>
    /// <param name="outgoing">The request, with room for <see cref="FirstPieceRoom"/>.</param>
    /// <param name="consumed">How much of it belongs to the body.</param>
    /// <returns>None, Invalid or TooLong.</returns>
    public BodyFault TakeAlong(Span<byte> bytes, OutgoingRequest outgoing, out int consumed)
    {
        consumed = 0;
        if (State != BodyState.Flowing || bytes.IsEmpty)
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

        if (!ChunkedPiece.TryDecode(_chunks!, bytes, out var data, out consumed))
        {
            return BodyFault.Invalid;
        }

        if (limit.Refuses(_passed += data))
        {
            return BodyFault.TooLong;
        }

        _needsMore = true;
        if (data > 0)
        {
            outgoing.Advance(ChunkedPiece.WriteSize(outgoing.Room, data));
            outgoing.Append(bytes[..data]);
            outgoing.Append("\r\n"u8);
        }

        if (_chunks!.IsComplete)
        {
            State = BodyState.Complete;
            outgoing.Append(ChunkedPiece.EndOfRequest(_chunks));
        }

        return BodyFault.None;
    }

    /// <summary>The space that <see cref="TakeAlong"/> needs, in bytes.</summary>
    public int FirstPieceRoom(int available) => State != BodyState.Flowing ? 0
        : _framing == BodyFraming.Length ? (int)Math.Min(_left, available)
        : available + 2 * ChunkedPiece.MaxFrame;

    /// <summary>Forwards until either side would block, or other connections must get their turn.</summary>
    /// <param name="client">The source.</param>
    /// <param name="node">The destination.</param>
    /// <param name="hasMoved">Whether there was progress.</param>
    public BodyFault Run(ClientConnection client, BackendConnection node, out bool hasMoved)
    {
        hasMoved = false;
        for (var turn = 0; State == BodyState.Flowing && !node.HasUnsent; turn++)
        {
            if (turn == ClientConnection.MaxTurns)
            {
                loop.Queue(client);
                break;
            }

            var passage = node.TakeFrom(client, _left, _needsMore, out var count);
            if (count == -1)
            {
                return client.PeerHasEnded && !client.IsReadable ? BodyFault.Ended : BodyFault.None;
            }

            if (count <= 0)
            {
                return count == 0 ? BodyFault.Ended : BodyFault.Gone;
            }

            hasMoved = true;
            if (passage != Passage.Received)
            {
                Count(count);
            }

            var fault = passage switch
            {
                Passage.Lost => BodyFault.BackendLost,
                Passage.PassedOn => BodyFault.None,
                _ => PassOn(count, client, node),
            };
            if (fault != BodyFault.None)
            {
                return fault;
            }
        }

        return BodyFault.None;
    }

    private BodyFault PassOn(int count, ClientConnection client, BackendConnection node)
    {
        var bytes = loop.Input.AsSpan(FrontLoop.Lead, count);
        if (_framing != BodyFraming.Chunked)
        {
            var here = _framing == BodyFraming.UntilClose ? count : (int)Math.Min(_left, count);
            client.Store(bytes[here..]);
            if (_framing == BodyFraming.Length)
            {
                Count(here);
            }

            return node.TrySend(bytes[..here]) ? BodyFault.None : BodyFault.BackendLost;
        }

        var isValid = ChunkedPiece.TryDecode(_chunks!, bytes, out var data, out var consumed);
        if (!isValid)
        {
            return BodyFault.Invalid;
        }

        if (limit.Refuses(_passed += data))
        {
            return BodyFault.TooLong;
        }

        client.Store(bytes[consumed..]);
        _needsMore = true;
        if (data > 0)
        {
            var start = ChunkedPiece.WriteSizeBefore(loop.Input, FrontLoop.Lead, data);
            "\r\n"u8.CopyTo(loop.Input.AsSpan(FrontLoop.Lead + data));
            if (!node.TrySend(loop.Input.AsSpan(start, FrontLoop.Lead - start + data + 2)))
            {
                return BodyFault.BackendLost;
            }
        }

        if (_chunks!.IsComplete)
        {
            State = BodyState.Complete;
            return node.TrySend(ChunkedPiece.EndOfRequest(_chunks)) ? BodyFault.None : BodyFault.BackendLost;
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
internal sealed class KeptBodyPump(FrontLoop loop, OutgoingRequest outgoing)
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
        var here = Math.Min(length, bytes.Length);
        outgoing.Append(bytes[..here]);
        _left = length - here;
        return here;
    }

    /// <summary>Reads what is there.</summary>
    public BodyFault Run(ClientConnection client)
    {
        while (_left > 0)
        {
            var count = client.Fill(needsMore: false);
            if (count <= 0)
            {
                return count == -2 ? BodyFault.Gone
                    : count == 0 || (client.PeerHasEnded && !client.IsReadable) ? BodyFault.Ended : BodyFault.None;
            }

            var bytes = loop.Input.AsSpan(FrontLoop.Lead, count);
            var here = Math.Min(count, _left);
            outgoing.Append(bytes[..here]);
            client.Store(bytes[here..]);
            _left -= here;
        }

        return BodyFault.None;
    }

    /// <summary>Cancels.</summary>
    public void End() => _left = 0;
}
