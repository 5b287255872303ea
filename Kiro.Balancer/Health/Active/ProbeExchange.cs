using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Health.Active;

/// <summary>
/// An HTTP/1 probe. It uses the response parser of forwarded requests, so that a backend passes only if its responses can be
/// forwarded.
/// </summary>
internal sealed class ProbeExchange(Stream connection)
{
    /// <summary>In bytes; the rest of a longer body is not read.</summary>
    private const int MaxBody = 64 * 1024;

    private const int MaxInterim = 100;

    private readonly ResponseHead _head = new();
    private byte[] _bytes = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The status code of the final response.</summary>
    public int Status => _head.Status;

    /// <exception cref="IOException">The connection was lost.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken) => connection.WriteAsync(request, cancellationToken);

    /// <returns>The body, truncated if it is long.</returns>
    /// <exception cref="IOException">The connection was lost or closed before the end of the response.</exception>
    /// <exception cref="InvalidDataException">A malformed response: a forwarded request would get 502.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        for (var interim = 0; ; interim++)
        {
            await ReadHeadAsync(cancellationToken);
            if (!_head.IsInterim)
            {
                break;
            }

            if (Status == StatusCodes.Status101SwitchingProtocols || interim == MaxInterim)
            {
                throw new InvalidDataException();
            }
        }

        return _head.Framing(isHead: false) switch
        {
            BodyFraming.None => default,
            BodyFraming.Chunked => await ReadChunksAsync(cancellationToken),
            BodyFraming.Length => await ReadBytesAsync((int)Math.Min(MaxBody, _head.ContentLength!.Value), isWhole: true, cancellationToken),
            _ => await ReadBytesAsync(MaxBody, isWhole: false, cancellationToken),
        };
    }

    private async Task ReadHeadAsync(CancellationToken cancellationToken)
    {
        for (var looked = 0; ;)
        {
            var state = _start == _end ? HeadState.Incomplete : ResponseParser.Parse(_bytes.AsSpan(_start.._end), looked, _head, out looked);
            if (state == HeadState.Complete)
            {
                _start += looked;
                return;
            }

            looked = _end - _start;
            if (state == HeadState.Invalid)
            {
                throw new InvalidDataException();
            }

            await ReceiveAsync(cancellationToken);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadBytesAsync(int length, bool isWhole, CancellationToken cancellationToken)
    {
        while (_end - _start < length)
        {
            if (!await TryReceiveAsync(cancellationToken))
            {
                if (isWhole)
                {
                    throw new EndOfStreamException();
                }

                break;
            }
        }

        return _bytes.AsMemory(_start, Math.Min(length, _end - _start));
    }

    private async Task<ReadOnlyMemory<byte>> ReadChunksAsync(CancellationToken cancellationToken)
    {
        var (decoder, body) = (new ChunkDecoder(), new MemoryStream());
        while (body.Length < MaxBody)
        {
            if (!decoder.TryRead(_bytes.AsSpan(_start.._end), out var consumed, out var data))
            {
                throw new InvalidDataException();
            }

            _start += consumed;
            body.Write(_bytes, _start - data, data);
            if (decoder.IsComplete)
            {
                break;
            }

            if (consumed == 0)
            {
                await ReceiveAsync(cancellationToken);
            }
        }

        return body.ToArray();
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        if (!await TryReceiveAsync(cancellationToken))
        {
            throw new EndOfStreamException();
        }
    }

    private async Task<bool> TryReceiveAsync(CancellationToken cancellationToken)
    {
        if (_end == _bytes.Length)
        {
            // Bounded, as heads and bodies are.
            if (_start == 0)
            {
                Array.Resize(ref _bytes, 2 * _bytes.Length);
            }

            _bytes.AsSpan(_start.._end).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }

        var received = await connection.ReadAsync(_bytes.AsMemory(_end), cancellationToken);
        _end += received;
        return received > 0;
    }
}
