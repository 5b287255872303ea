using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Tls;

/// <summary>
/// A socket as seen by <see cref="System.Net.Security.SslStream"/>. Reads return one complete record at a time
/// (RFC 8446, section 5.1), so they complete synchronously or wait for a whole record. A waiting read resumes on the loop's
/// thread.
/// </summary>
internal sealed class RecordStream(FrontConnection connection, RecordBuffer buffer) : ForwardOnlyStream, IValueTaskSource<int>
{
    private const int HeaderLength = 5;
    private const byte FirstType = 20;
    private const byte LastType = 24;
    private const byte Version = 3;

    /// <summary>TLS 1.2 permits 2 KiB on top of 16 KiB of plaintext (RFC 5246, section 6.2.3).</summary>
    private const int MaxLength = 16 * 1024 + 2048;

    private ManualResetValueTaskSourceCore<int> _arrival;
    private ReadOnlyMemory<byte> _record;
    private Memory<byte> _waiting;
    private bool _isWaiting;
    private bool _isBroken;
    private byte[]? _buffered;
    private int _bufferedLength;
    private int _start;
    private int _end;
    private byte[]? _batch;
    private int _batchLength;
    private Stream? _input;
    private Stream? _output;

    /// <summary>Whether input was received that has not been processed.</summary>
    public bool HasBufferedInput => _buffered is not null;

    /// <summary>Whether a send failed.</summary>
    public bool HasSendFailed { get; private set; }

    /// <summary>Whether the input is not a record but starts like an HTTP method.</summary>
    public bool LooksLikeHttp { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    /// <summary>Loads buffered input into the loop's shared buffer.</summary>
    public void BeginTurn()
    {
        (_start, _end) = (0, _bufferedLength);
        if (_buffered is { } buffered)
        {
            buffered.AsSpan(0, _bufferedLength).CopyTo(buffer.Bytes);
            DiscardBuffered();
        }
    }

    /// <summary>Buffers what is left in the shared buffer.</summary>
    public void EndTurn()
    {
        _start -= _record.Length;
        _record = default;
        BufferInput(buffer.Bytes.AsSpan(_start, _end - _start));
    }

    /// <summary>Buffers input.</summary>
    public void BufferInput(ReadOnlySpan<byte> received)
    {
        if (!received.IsEmpty)
        {
            _buffered = connection.Loop.Buffers.Rent(received.Length);
            received.CopyTo(_buffered);
            _bufferedLength = received.Length;
        }
    }

    /// <summary>Provides the next record, receiving as needed.</summary>
    /// <returns>Above 0 when there is one; otherwise as <see cref="FrontConnection.Receive(Span{byte})"/>.</returns>
    public int ProvideRecord()
    {
        while (_record.IsEmpty)
        {
            if (_isBroken)
            {
                return -2;
            }

            var length = NextLength(buffer.Bytes.AsSpan(_start, _end - _start));
            if (length > 0)
            {
                Deliver(buffer.Bytes.AsMemory(_start, length));
                _start += length;
                return length;
            }

            buffer.Bytes.AsSpan(_start, _end - _start).CopyTo(buffer.Bytes);
            (_start, _end) = (0, _end - _start);
            var received = connection.ReceiveRaw(buffer.Bytes.AsSpan(_end));
            if (received <= 0)
            {
                // A connection that ends within a record was cut off.
                return received == 0 && _end > 0 ? -2 : received;
            }

            _end += received;
        }

        return _record.Length;
    }

    /// <summary>Ends a waiting read, and returns the buffers.</summary>
    public void Complete()
    {
        if (_isWaiting)
        {
            _isWaiting = false;
            _arrival.SetResult(0);
        }

        DiscardBuffered();
        if (_batch is { } batch)
        {
            _batch = null;
            connection.Loop.Buffers.Return(batch);
        }
    }

    /// <summary>Collects what is written next, for a single send.</summary>
    public void BeginBatch(int length) => _batch = connection.Loop.Buffers.Rent(length);

    /// <summary>Sends what was collected.</summary>
    public void SendBatch()
    {
        if (_batch is { } batch)
        {
            _batch = null;
            Send(batch.AsSpan(0, _batchLength));
            _batchLength = 0;
            connection.Loop.Buffers.Return(batch);
        }
    }

    /// <summary>Leaves the loop: reads return buffered input first, then continue on the stream.</summary>
    public void Detach(Stream input, Stream output)
    {
        _record = _buffered.AsSpan(0, _bufferedLength).ToArray();
        (_input, _output) = (input, output);
        DiscardBuffered();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_record.IsEmpty)
        {
            return new ValueTask<int>(Take(buffer));
        }

        if (_input is not null)
        {
            return _input.ReadAsync(buffer, cancellationToken);
        }

        (_waiting, _isWaiting) = (buffer, true);
        _arrival.Reset();
        return new ValueTask<int>(this, _arrival.Version);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_batch is { } batch && batch.Length - _batchLength >= buffer.Length)
        {
            buffer.CopyTo(batch.AsSpan(_batchLength));
            _batchLength += buffer.Length;
        }
        else
        {
            SendBatch();
            Send(buffer);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_output is not null)
        {
            return _output.WriteAsync(buffer, cancellationToken);
        }

        Write(buffer.Span);
        return default;
    }

    public override void Flush()
    {
        // Nothing is buffered here.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => _output?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _output?.Dispose();
            _input?.Dispose();
        }

        base.Dispose(disposing);
    }

    int IValueTaskSource<int>.GetResult(short token) => _arrival.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _arrival.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _arrival.OnCompleted(continuation, state, token, flags);

    // Input that is not a record is passed on as it is, for SslStream to reject, and nothing after it.
    private int NextLength(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length < HeaderLength ? 0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
        _isBroken = (bytes.Length > 0 && bytes[0] is < FirstType or > LastType) || (bytes.Length > 1 && bytes[1] != Version) || length > MaxLength;
        LooksLikeHttp = _isBroken && bytes[0] is >= (byte)'A' and <= (byte)'Z';
        return _isBroken ? bytes.Length : bytes.Length >= HeaderLength && bytes.Length >= HeaderLength + length ? HeaderLength + length : 0;
    }

    private void Deliver(ReadOnlyMemory<byte> record)
    {
        _record = record;
        if (_isWaiting)
        {
            _isWaiting = false;
            _arrival.SetResult(Take(_waiting));
        }
    }

    private int Take(Memory<byte> room)
    {
        var count = Math.Min(room.Length, _record.Length);
        _record.Span[..count].CopyTo(room.Span);
        _record = _record[count..];
        return count;
    }

    private void Send(ReadOnlySpan<byte> bytes) => HasSendFailed |= !connection.TrySendRaw(bytes);

    private void DiscardBuffered()
    {
        if (_buffered is { } buffered)
        {
            _buffered = null;
            _bufferedLength = 0;
            connection.Loop.Buffers.Return(buffered);
        }
    }
}

/// <summary>A loop's receive buffer for records. Its contents are valid during one call.</summary>
internal sealed class RecordBuffer
{
    /// <summary>The size of one receive.</summary>
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(FrontLoop.ReceiveSize, pinned: true);
}
