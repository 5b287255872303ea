using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Tls;

/// <summary>
/// A client's socket as <see cref="System.Net.Security.SslStream"/> sees it. It is given whole records, and one at a time (RFC 8446, section
/// 5.1): what is there it has at once, and of what has not come it holds no beginning. Where it waits for a record, it goes on
/// in the loop's own thread.
/// </summary>
internal sealed class RecordStream(FrontConnection connection, RecordBuffer buffer) : ForwardOnlyStream, IValueTaskSource<int>
{
    private const int HeaderLength = 5;
    private const byte FirstType = 20;
    private const byte LastType = 24;
    private const byte Version = 3;

    /// <summary>TLS 1.2 allows 2 KiB beyond the 16 of the text (RFC 5246, section 6.2.3).</summary>
    private const int MaxLength = 16 * 1024 + 2048;

    private ManualResetValueTaskSourceCore<int> _arrival;
    private ReadOnlyMemory<byte> _record;
    private Memory<byte> _waiting;
    private bool _isWaiting;
    private bool _isBroken;
    private byte[]? _kept;
    private int _keptLength;
    private int _start;
    private int _end;
    private byte[]? _gathered;
    private int _gatheredLength;
    private Stream? _input;
    private Stream? _output;

    /// <summary>What was sent did not reach the kernel.</summary>
    public bool IsLost { get; private set; }

    /// <summary>What came is no record, but begins as a method does.</summary>
    public bool LooksLikeHttp { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    /// <summary>Takes the loop's buffer for a turn, with what was kept of the last one.</summary>
    public void Begin()
    {
        (_start, _end) = (0, _keptLength);
        if (_kept is { } kept)
        {
            kept.AsSpan(0, _keptLength).CopyTo(buffer.Bytes);
            DropKept();
        }
    }

    /// <summary>Keeps for the next turn what is left of this one.</summary>
    public void Settle()
    {
        _start -= _record.Length;
        _record = default;
        Keep(buffer.Bytes.AsSpan(_start, _end - _start));
    }

    /// <summary>Keeps what was received before there was a stream.</summary>
    public void Keep(ReadOnlySpan<byte> received)
    {
        if (!received.IsEmpty)
        {
            _kept = connection.Loop.Buffers.Rent(received.Length);
            received.CopyTo(_kept);
            _keptLength = received.Length;
        }
    }

    /// <summary>Passes on the next record, receiving more if that is not there.</summary>
    /// <returns>Above 0 when there is one; otherwise as <see cref="FrontConnection.Receive(Span{byte})"/>.</returns>
    public int Feed()
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
                Give(buffer.Bytes.AsMemory(_start, length));
                _start += length;
                return length;
            }

            buffer.Bytes.AsSpan(_start, _end - _start).CopyTo(buffer.Bytes);
            (_start, _end) = (0, _end - _start);
            var received = connection.ReceiveRaw(buffer.Bytes.AsSpan(_end));
            if (received <= 0)
            {
                return received;
            }

            _end += received;
        }

        return _record.Length;
    }

    /// <summary>Nothing comes any more: whoever waits is told so, and what was kept to be read or sent is given back.</summary>
    public void End()
    {
        if (_isWaiting)
        {
            _isWaiting = false;
            _arrival.SetResult(0);
        }

        DropKept();
        if (_gathered is { } gathered)
        {
            _gathered = null;
            connection.Loop.Buffers.Return(gathered);
        }
    }

    /// <summary>From now on what is sent is put together, because it is known to be so much.</summary>
    public void Gather(int length) => _gathered = connection.Loop.Buffers.Rent(length);

    /// <summary>Sends what was put together.</summary>
    public void SendGathered()
    {
        if (_gathered is { } gathered)
        {
            _gathered = null;
            Send(gathered.AsSpan(0, _gatheredLength));
            _gatheredLength = 0;
            connection.Loop.Buffers.Return(gathered);
        }
    }

    /// <summary>Leaves the loop: what was kept comes first, and then what the streams bring.</summary>
    public void Detach(Stream input, Stream output)
    {
        _record = _kept.AsSpan(0, _keptLength).ToArray();
        (_input, _output) = (input, output);
        DropKept();
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
        if (_gathered is { } gathered && gathered.Length - _gatheredLength >= buffer.Length)
        {
            buffer.CopyTo(gathered.AsSpan(_gatheredLength));
            _gatheredLength += buffer.Length;
        }
        else
        {
            SendGathered();
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
        // Nothing is held back.
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

    // What is no record goes on as it is, for whoever reads it to say what is wrong with it; and nothing behind it.
    private int NextLength(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length < HeaderLength ? 0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
        _isBroken = (bytes.Length > 0 && bytes[0] is < FirstType or > LastType) || (bytes.Length > 1 && bytes[1] != Version) || length > MaxLength;
        LooksLikeHttp = _isBroken && bytes[0] is >= (byte)'A' and <= (byte)'Z';
        return _isBroken ? bytes.Length : bytes.Length >= HeaderLength && bytes.Length >= HeaderLength + length ? HeaderLength + length : 0;
    }

    private void Give(ReadOnlyMemory<byte> record)
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

    private void Send(ReadOnlySpan<byte> bytes) => IsLost |= !connection.TrySendRaw(bytes);

    private void DropKept()
    {
        if (_kept is { } kept)
        {
            _kept = null;
            _keptLength = 0;
            connection.Loop.Buffers.Return(kept);
        }
    }
}

/// <summary>Where all connections of a loop receive records. What is in it counts for one turn.</summary>
internal sealed class RecordBuffer
{
    /// <summary>As much as comes with one receive.</summary>
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(FrontLoop.ReceiveSize, pinned: true);
}
