using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Reads along what HttpClient reads from a node, because HttpClient takes what could be understood in two ways. It knows one
/// response from the next by the rules of <see cref="ResponseParser"/>.
/// </summary>
internal sealed class ResponseGuard
{
    private readonly ResponseHead _head = new();
    private byte[] _rest = [];
    private int _looked;
    private int _interim;
    private GuardState _state;
    private bool _isHead;
    private long _left;
    private ChunkDecoder? _chunks;

    /// <summary>A login that is bound to this connection has begun, and its response is over: nobody else is to use it.</summary>
    public bool IsPrivate => _state == GuardState.Idle && _head.BindsConnection;

    /// <summary>No response is under way.</summary>
    public bool IsIdle => _state == GuardState.Idle;

    /// <summary>Takes note of what is sent.</summary>
    public void NoteSent(ReadOnlySpan<byte> bytes)
    {
        if (_state == GuardState.Idle && !bytes.IsEmpty)
        {
            (_state, _looked, _interim, _isHead) = (GuardState.Head, 0, 0, bytes.StartsWith("HEAD "u8));
        }
    }

    /// <summary>Reads on.</summary>
    /// <returns>False when the response is not valid.</returns>
    public bool TryRead(ReadOnlySpan<byte> received)
    {
        while (!received.IsEmpty && _state is not (GuardState.Idle or GuardState.Unseen))
        {
            if (_state == GuardState.Body)
            {
                var here = (int)Math.Min(_left, received.Length);
                received = received[here..];
                _left -= here;
                _state = _left == 0 ? GuardState.Idle : GuardState.Body;
                continue;
            }

            var bytes = _rest.Length == 0 ? received : (byte[])[.. _rest, .. received];
            if (!TryRead(bytes, out var consumed))
            {
                return false;
            }

            received = bytes[consumed..];
            _rest = [];
            if (consumed == 0)
            {
                _rest = received.ToArray();
                return true;
            }
        }

        return true;
    }

    private bool TryRead(ReadOnlySpan<byte> bytes, out int consumed)
    {
        if (_state == GuardState.Chunks)
        {
            var isValid = _chunks!.TryRead(bytes, out consumed, out _);
            _state = _chunks.IsComplete ? GuardState.Idle : GuardState.Chunks;
            return isValid;
        }

        var state = ResponseParser.Parse(bytes, _looked, _head, out consumed);
        _looked = state == HeadState.Incomplete ? bytes.Length : 0;
        if (state == HeadState.Incomplete)
        {
            consumed = 0;
        }
        else if (state == HeadState.Complete && _head.IsInterim && _head.Status != StatusCodes.Status101SwitchingProtocols)
        {
            return ++_interim <= ResponseHead.MaxInterim;
        }
        else if (state == HeadState.Complete)
        {
            Begin();
        }

        return state != HeadState.Invalid;
    }

    private void Begin()
    {
        var framing = _head.Framing(_isHead);
        _left = _head.ContentLength ?? 0;
        _chunks = framing == BodyFraming.Chunked ? new ChunkDecoder() : null;
        _state = _head.IsInterim ? GuardState.Unseen : framing switch
        {
            BodyFraming.None => GuardState.Idle,
            BodyFraming.Length => GuardState.Body,
            BodyFraming.Chunked => GuardState.Chunks,
            _ => GuardState.Unseen,
        };
    }

    private enum GuardState
    {
        Idle,
        Head,
        Body,
        Chunks,
        /// <summary>Whatever comes until the end is the body, or no HTTP any more.</summary>
        Unseen,
    }
}
