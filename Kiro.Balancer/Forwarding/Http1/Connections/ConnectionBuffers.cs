using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>What a backend has sent and nobody has consumed. Grows as needed, and is reused.</summary>
internal sealed class ReceiveBuffer
{
    /// <summary>Enough for most responses; in bytes. Idle connections have it, too.</summary>
    private const int InitialSize = 4 * 1024;

    private readonly byte[] _initial = new byte[InitialSize];
    private byte[] _bytes;
    private int _start;
    private int _end;

    public ReceiveBuffer() => _bytes = _initial;

    public Memory<byte> Bytes => _bytes.AsMemory(_start, _end - _start);

    public bool IsEmpty => _start == _end;

    /// <summary>Whether the last receive may have been cut short.</summary>
    public bool IsFull => _end == _bytes.Length;

    /// <summary>The free part; never empty.</summary>
    public Memory<byte> Room()
    {
        if (IsEmpty)
        {
            _start = _end = 0;
        }
        else if (IsFull)
        {
            MakeRoom();
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>Accounts for bytes received into <see cref="Room"/>.</summary>
    public void Add(int count) => _end += count;

    public void Consume(int count) => _start += count;

    /// <summary>Makes room to receive so many bytes at once, up to the maximum size of a head.</summary>
    public void Grow(long length)
    {
        if (length > _bytes.Length && _bytes.Length < ResponseHead.MaxBytes)
        {
            Replace(ArrayPool<byte>.Shared.Rent((int)Math.Min(length, ResponseHead.MaxBytes)));
        }
    }

    /// <summary>Discards the contents, and returns a larger buffer.</summary>
    public void Clear()
    {
        _start = _end = 0;
        if (_bytes != _initial)
        {
            Replace(_initial);
        }
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            Bytes.CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }
        else
        {
            Replace(ArrayPool<byte>.Shared.Rent(_bytes.Length * 2));
        }
    }

    private void Replace(byte[] bytes)
    {
        Bytes.CopyTo(bytes);
        (_start, _end) = (0, _end - _start);
        if (_bytes != _initial)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = bytes;
    }
}

/// <summary>What is sent next: a head, and the part of the body that goes with it. Grows as needed, and is reused.</summary>
internal sealed class SendBuffer
{
    /// <summary>Enough for most requests; in bytes.</summary>
    private const int InitialSize = 1024;

    private readonly byte[] _initial = new byte[InitialSize];
    private byte[] _bytes;

    public SendBuffer() => _bytes = _initial;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void Write(in ReadOnlySequence<byte> bytes)
    {
        foreach (var piece in bytes)
        {
            Write(piece.Span);
        }
    }

    /// <summary>Writes text, which must be Latin-1.</summary>
    public void Write(string text) => Length += Encoding.Latin1.GetBytes(text, Room(text.Length));

    public void Write(long number)
    {
        Utf8Formatter.TryFormat(number, Room(20), out var length);
        Length += length;
    }

    public void WriteHex(long number)
    {
        Utf8Formatter.TryFormat(number, Room(16), out var length, new StandardFormat('x'));
        Length += length;
    }

    /// <summary>At least so many bytes to write into, followed by <see cref="Advance"/>.</summary>
    public Span<byte> Room(int length)
    {
        if (_bytes.Length - Length < length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, Length + length));
            _bytes.AsSpan(0, Length).CopyTo(larger);
            Replace(larger);
        }

        return _bytes.AsSpan(Length);
    }

    public void Advance(int length) => Length += length;

    public void Clear() => Length = 0;

    /// <summary>Returns a larger buffer.</summary>
    public void Shrink()
    {
        Length = 0;
        if (_bytes != _initial)
        {
            Replace(_initial);
        }
    }

    private void Replace(byte[] bytes)
    {
        if (_bytes != _initial)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = bytes;
    }
}
