using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>The result of a send.</summary>
internal enum SendResult
{
    Completed,

    /// <summary>The socket buffer is full.</summary>
    Pending,

    /// <summary>The connection is lost.</summary>
    Failed,
}

/// <summary>
/// A request as sent to a backend: the head, with a buffered body or the part of a streamed body that arrived with the
/// head. It can be sent again from the start.
/// </summary>
internal sealed class OutgoingRequest(FrontLoop loop)
{
    /// <summary>Larger buffers are returned as soon as a response arrives; in bytes.</summary>
    private const int SmallSize = 4096;

    private byte[] _bytes = [];
    private int _sent;

    public int Length { get; private set; }

    public bool IsSent => _sent == Length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>The free part of the buffer.</summary>
    public Span<byte> Free => _bytes.AsSpan(Length);

    /// <summary>Rents a buffer for a request of this length.</summary>
    public void Begin(int length)
    {
        _bytes = loop.Buffers.Rent(length);
        Length = _sent = 0;
    }

    public void Advance(int length) => Length += length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Free);
        Length += bytes.Length;
    }

    /// <summary>Starts over, for the next attempt.</summary>
    public void Rewind() => _sent = 0;

    /// <summary>Replaces a part.</summary>
    public void Replace(int start, int length, ReadOnlySpan<byte> with)
    {
        var before = _bytes;
        _bytes = loop.Buffers.Rent(Length - length + with.Length);
        before.AsSpan(0, start).CopyTo(_bytes);
        with.CopyTo(_bytes.AsSpan(start));
        before.AsSpan(start + length, Length - start - length).CopyTo(_bytes.AsSpan(start + with.Length));
        Length += with.Length - length;
        loop.Buffers.Return(before);
    }

    /// <summary>Overwrites what follows a text, if that occurs.</summary>
    public void Overwrite(ReadOnlySpan<byte> text, ReadOnlySpan<byte> with)
    {
        if (Bytes.IndexOf(text) is >= 0 and var index)
        {
            with.CopyTo(_bytes.AsSpan(index + text.Length));
        }
    }

    /// <summary>The method, for logs and traces.</summary>
    public string Method
    {
        get
        {
            var method = Bytes[..Math.Max(0, Bytes.IndexOf((byte)' '))];
            return method.SequenceEqual("GET"u8) ? HttpMethods.Get : Encoding.ASCII.GetString(method);
        }
    }

    /// <summary>The value of Accept, if any.</summary>
    public string? Accept
    {
        get
        {
            foreach (var range in Bytes.Split("\r\n"u8))
            {
                var line = Bytes[range];
                if (line.IsEmpty)
                {
                    break;
                }

                if (line.Length > 7 && Ascii.EqualsIgnoreCase(line[..7], "Accept:"u8))
                {
                    return Encoding.Latin1.GetString(line[7..]);
                }
            }

            return null;
        }
    }

    /// <summary>The path as received, without the query, which may hold secrets.</summary>
    public string Path
    {
        get
        {
            var rest = Bytes[(Bytes.IndexOf((byte)' ') + 1)..];
            var end = rest.IndexOfAny((byte)' ', (byte)'?', (byte)'\r');
            return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
        }
    }

    public SendResult SendTo(BackendConnection connection)
    {
        if (connection.Cipher is not null && !IsSent)
        {
            // The connection buffers what the kernel does not accept: it is encrypted already.
            if (!connection.TrySend(_bytes.AsSpan(_sent, Length - _sent)))
            {
                return SendResult.Failed;
            }

            _sent = Length;
        }

        while (_sent < Length)
        {
            var sent = connection.Socket.Send(_bytes.AsSpan(_sent, Length - _sent));
            if (sent < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted ? SendResult.Pending : SendResult.Failed;
            }

            _sent += sent;
            connection.BytesSent += sent;
        }

        return SendResult.Completed;
    }

    /// <summary>The request will not be sent again: keeps only the request line of a large one, for logs and traces.</summary>
    public void TrimToRequestLine()
    {
        if (_bytes.Length <= SmallSize)
        {
            return;
        }

        var line = _bytes.AsSpan(0, Math.Min(Length, SmallSize));
        var end = line.IndexOf((byte)'\r');
        var small = loop.Buffers.Rent(SmallSize);
        line.CopyTo(small);
        loop.Buffers.Return(_bytes);
        _bytes = small;
        Length = _sent = end < 0 ? line.Length : end + 2;
    }

    public void Release()
    {
        if (_bytes.Length > 0)
        {
            loop.Buffers.Return(_bytes);
            _bytes = [];
        }

        Length = _sent = 0;
    }
}

/// <summary>Updates the backend's counters for an attempt: like <c>Sending.Attempt</c>, without allocating.</summary>
internal struct AttemptCounters
{
    private BackendPool? _pool;
    private bool _isAwaited;
    private bool _isActive;
    private long _start;
    private TimeSpan _waited;

    public readonly BackendRuntime Runtime => _pool!.Runtime;

    /// <param name="pool">The backend's.</param>
    /// <param name="isAwaited">Whether the backend gets the whole request at once, and owes a response from now on.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Begin(BackendPool pool, bool isAwaited, long now)
    {
        (_pool, _isAwaited, _isActive, _start) = (pool, isAwaited, true, now);
        pool.Counters.Begin();
        if (isAwaited)
        {
            pool.Counters.Await(now);
        }
    }

    /// <summary>The response head has arrived.</summary>
    public void Respond(long now, TimeProvider time)
    {
        Settle();
        _waited = time.GetElapsedTime(_start, now);
        _pool!.Counters.Respond(now);
    }

    /// <summary>The response is complete.</summary>
    public readonly void Record(int status, BackendConnection connection) =>
        _pool!.Traffic.Record(status, _waited, connection.BytesSent, connection.BytesReceived);

    public void End()
    {
        if (_isActive)
        {
            _isActive = false;
            Settle();
            _pool!.Counters.End();
        }
    }

    private void Settle()
    {
        if (_isAwaited)
        {
            _isAwaited = false;
            _pool!.Counters.Settle();
        }
    }
}
