using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>How the body of a request stands.</summary>
internal enum BodyState
{
    /// <summary>It must not be read yet: the node has not said "continue".</summary>
    Held,

    /// <summary>It goes to the node as it comes.</summary>
    Flowing,

    /// <summary>The node has, or is about to have, all of it.</summary>
    Complete,

    /// <summary>Nobody wants the rest.</summary>
    Dropped,
}

/// <summary>What stopped a body.</summary>
internal enum BodyFault
{
    None,

    /// <summary>The client has ended its side before the body was complete.</summary>
    Ended,

    /// <summary>These are no chunks.</summary>
    Invalid,

    /// <summary>There is more of it than is taken.</summary>
    TooLong,

    /// <summary>The client's connection is lost.</summary>
    Gone,

    /// <summary>The node's connection is lost.</summary>
    BackendLost,
}

/// <summary>Sends the body of a request to the node as it comes, and never more than the node takes.</summary>
internal sealed class RequestPump(FrontLoop loop, BodyLimit limit)
{
    /// <summary>Of a chunk's size: up to 4 GiB, as whoever sends more in one piece only wants to hide what follows.</summary>
    private const int MaxSizeDigits = 8;

    private BodyFraming _framing;
    private long _left;
    private ChunkDecoder? _chunks;
    private long _passed;
    private bool _needsMore;

    public BodyState State { get; private set; }

    /// <summary>Begins a request.</summary>
    public void Begin(RequestHead head)
    {
        _framing = head.Framing;
        _left = head.Framing == BodyFraming.Length ? head.ContentLength ?? 0 : 0;
        _chunks = _framing == BodyFraming.Chunked ? new ChunkDecoder(MaxSizeDigits) : null;
        (_needsMore, _passed) = (false, 0);
        State = _framing == BodyFraming.None ? BodyState.Complete : head.ExpectsContinue ? BodyState.Held : BodyState.Flowing;
    }

    /// <summary>After a handshake: all bytes, as they come, until one end closes.</summary>
    public void BeginTunnel() => (_framing, State, _needsMore, _left) = (BodyFraming.UntilClose, BodyState.Flowing, false, 0);

    /// <summary>The body is read in another way, into memory.</summary>
    public void Keep() => State = BodyState.Complete;

    /// <summary>The node wants it.</summary>
    public void Release() => State = State == BodyState.Held ? BodyState.Flowing : State;

    /// <summary>Nobody wants the rest.</summary>
    public void Drop() => State = State == BodyState.Complete ? State : BodyState.Dropped;

    /// <summary>Takes what came with the head.</summary>
    /// <param name="bytes">What stands behind the head; moved about.</param>
    /// <param name="outgoing">Gets it, with room for <see cref="FirstPieceRoom"/>.</param>
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

    /// <summary>Room for what comes with the head, in bytes.</summary>
    public int FirstPieceRoom(int available) => State != BodyState.Flowing ? 0
        : _framing == BodyFraming.Length ? (int)Math.Min(_left, available)
        : available + 2 * ChunkedPiece.MaxFrame;

    /// <summary>Goes on until an end has nothing more or takes nothing more, or the others must have a turn.</summary>
    /// <param name="client">Where it comes from.</param>
    /// <param name="node">Where it goes.</param>
    /// <param name="hasMoved">Whether a byte has moved.</param>
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
