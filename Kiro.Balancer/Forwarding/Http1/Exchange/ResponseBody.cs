using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Copies a response body to the client as it arrives: nothing is received that the client has no room
/// for. Whenever the backend is slower, what is there is flushed, with the head.
/// </summary>
internal sealed class ResponseBody(PooledConnection connection, ResponseWriter writer)
{
    /// <summary>Bodies with more than this to come are received straight into Kestrel's output buffer.</summary>
    private const int LongBody = 16 * 1024;

    /// <summary>The most that stays in the buffer while more arrives, in bytes.</summary>
    private const int MaxUnflushed = 64 * 1024;

    private int _unflushed;
    private PeriodicYield _turns;

    public async ValueTask<BodyEnd> CopyAsync(BodyFraming framing)
    {
        var end = framing switch
        {
            BodyFraming.Length => await CopyLengthAsync(connection.Head.ContentLength!.Value),
            BodyFraming.Chunked => await CopyChunksAsync(),
            _ => await CopyUntilCloseAsync(),
        };
        if (end == BodyEnd.Lost && connection.AbortReason == AbortReason.StreamEnded)
        {
            end = BodyEnd.Complete;
            await writer.EndAsync();
        }

        if (end is BodyEnd.Lost or BodyEnd.Invalid && _unflushed > 0)
        {
            // The client gets what there is before its connection is aborted.
            await writer.FlushAsync();
        }

        return end;
    }

    private async ValueTask<BodyEnd> CopyLengthAsync(long left)
    {
        while (true)
        {
            var count = (int)Math.Min(left, connection.Input.Bytes.Length);
            await WriteAsync(connection.Input.Bytes[..count]);
            connection.Input.Consume(count);
            left -= count;
            if (left == 0)
            {
                await writer.EndAsync();
                return BodyEnd.Complete;
            }

            if (left > LongBody)
            {
                return await CopyLongAsync(left);
            }

            connection.Input.Grow(left);
            if (await ReceiveAsync() is { } end)
            {
                return end;
            }
        }
    }

    private async ValueTask<BodyEnd> CopyLongAsync(long left)
    {
        var size = new ReceiveSize();
        while (left > 0)
        {
            var flush = writer.FlushAsync();
            if (!flush.IsCompleted)
            {
                size.Shrink();
            }

            await flush;
            if (writer.IsClientGone)
            {
                return BodyEnd.ClientGone;
            }

            var room = writer.Room((int)Math.Min(left, size.Bytes));
            connection.BeginReceive(room);
            var count = await connection.PendingReceive;
            if (!connection.Note(count))
            {
                return BodyEnd.Lost;
            }

            writer.Advance(count);
            left -= count;
            size.Note(count, room.Length);
            await _turns.YieldAsync();
        }

        await writer.EndAsync();
        return BodyEnd.Complete;
    }

    private async ValueTask<BodyEnd> CopyChunksAsync()
    {
        var chunks = new ChunkDecoder();
        while (true)
        {
            int consumed;
            do
            {
                var received = connection.Input.Bytes;
                if (!chunks.TryRead(received.Span, out consumed, out var data))
                {
                    return BodyEnd.Invalid;
                }

                await WriteAsync(received.Slice(consumed - data, data));
                connection.Input.Consume(consumed);
            }
            while (consumed > 0);

            if (chunks.IsComplete)
            {
                await writer.EndAsync(Trailers.Allowed(chunks.Trailers));
                return BodyEnd.Complete;
            }

            if (await ReceiveAsync() is { } end)
            {
                return end;
            }
        }
    }

    private async ValueTask<BodyEnd> CopyUntilCloseAsync()
    {
        connection.Head.Closes = true;
        while (true)
        {
            await WriteAsync(connection.Input.Bytes);
            connection.Input.Consume(connection.Input.Bytes.Length);
            var end = await ReceiveAsync(mayEnd: true);
            if (end == BodyEnd.Complete)
            {
                await writer.EndAsync();
            }

            if (end is not null)
            {
                return end.Value;
            }
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> data)
    {
        if (data.Length > 0)
        {
            await writer.StartAsync();
            writer.Write(data.Span);
            _unflushed += data.Length;
        }
    }

    /// <returns>Null when there is more.</returns>
    private async ValueTask<BodyEnd?> ReceiveAsync(bool mayEnd = false)
    {
        if (!connection.BeginReceive() || _unflushed >= MaxUnflushed)
        {
            _unflushed = 0;
            await writer.FlushAsync();
            if (writer.IsClientGone)
            {
                return BodyEnd.ClientGone;
            }
        }

        var count = await connection.PendingReceive;
        if (!connection.Add(count))
        {
            return count == 0 && mayEnd && connection.AbortReason == AbortReason.None ? BodyEnd.Complete : BodyEnd.Lost;
        }

        if (connection.Input.IsFull)
        {
            connection.Input.Grow(ResponseHead.MaxBytes);
        }

        await _turns.YieldAsync();
        return null;
    }
}

/// <summary>How a body ended.</summary>
internal enum BodyEnd
{
    Complete,

    /// <summary>The backend's connection ended too early.</summary>
    Lost,

    /// <summary>Invalid framing.</summary>
    Invalid,

    ClientGone,
}

/// <summary>
/// How much of a long body to receive at a time. System calls cost far more than their bytes, but what waits for a slow
/// backend or client should hold little memory.
/// </summary>
internal sealed class ReceiveSize
{
    private const int Min = 32 * 1024;
    private const int Max = 128 * 1024;

    /// <summary>In bytes.</summary>
    public int Bytes { get; private set; } = Min;

    /// <summary>The client is slower than the backend.</summary>
    public void Shrink() => Bytes = Math.Max(Bytes / 2, Min);

    /// <summary>Adapts to a receive of <paramref name="count"/> bytes into <paramref name="room"/>.</summary>
    public void Note(int count, int room) => Bytes =
        count == room ? Math.Min(room * 2, Max)
        : count < room / 4 ? Math.Max(room / 2, Min)
        : Bytes;
}
