using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Validates what HttpClient reads from a backend, because HttpClient accepts ambiguous responses. It follows the framing as
/// <see cref="ResponseParser"/> does.
/// </summary>
internal sealed class ResponseValidator
{
    private readonly ResponseHead _head = new();
    private byte[] _pending = [];
    private int _examined;
    private int _interim;
    private Phase _state;
    private bool _isHead;
    private long _remaining;
    private ChunkDecoder? _chunks;

    /// <summary>Whether connection-bound authentication has begun and its response is complete: no other client may use the connection.</summary>
    public bool IsPrivate => _state == Phase.Idle && _head.BindsConnection;

    /// <summary>Whether no response is in progress.</summary>
    public bool IsIdle => _state == Phase.Idle;

    public void OnSent(ReadOnlySpan<byte> bytes)
    {
        if (_state == Phase.Idle && !bytes.IsEmpty)
        {
            (_state, _examined, _interim, _isHead) = (Phase.Head, 0, 0, bytes.StartsWith("HEAD "u8));
        }
    }

    /// <returns>False if the response is invalid.</returns>
    public bool TryRead(ReadOnlySpan<byte> received)
    {
        while (!received.IsEmpty && _state is not (Phase.Idle or Phase.Opaque))
        {
            if (_state == Phase.Body)
            {
                var here = (int)Math.Min(_remaining, received.Length);
                received = received[here..];
                _remaining -= here;
                _state = _remaining == 0 ? Phase.Idle : Phase.Body;
                continue;
            }

            var bytes = _pending.Length == 0 ? received : (byte[])[.. _pending, .. received];
            if (!TryRead(bytes, out var consumed))
            {
                return false;
            }

            received = bytes[consumed..];
            _pending = [];
            if (consumed == 0)
            {
                _pending = received.ToArray();
                return true;
            }
        }

        return true;
    }

    private bool TryRead(ReadOnlySpan<byte> bytes, out int consumed)
    {
        if (_state == Phase.Chunks)
        {
            var isValid = _chunks!.TryRead(bytes, out consumed, out _);
            _state = _chunks.IsComplete ? Phase.Idle : Phase.Chunks;
            return isValid;
        }

        var state = ResponseParser.Parse(bytes, _examined, _head, out consumed);
        _examined = state == HeadState.Incomplete ? bytes.Length : 0;
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
        _remaining = _head.ContentLength ?? 0;
        _chunks = framing == BodyFraming.Chunked ? new ChunkDecoder() : null;
        _state = _head.IsInterim ? Phase.Opaque : framing switch
        {
            BodyFraming.None => Phase.Idle,
            BodyFraming.Length => Phase.Body,
            BodyFraming.Chunked => Phase.Chunks,
            _ => Phase.Opaque,
        };
    }

    private enum Phase
    {
        Idle,
        Head,
        Body,
        Chunks,
        /// <summary>A body that extends to the close, or another protocol.</summary>
        Opaque,
    }
}
