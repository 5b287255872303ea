using System.Buffers;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>What a node has sent and nobody has consumed. It grows as needed and is used again.</summary>
internal sealed class ReceiveBuffer
{
    /// <summary>Enough for most responses; in bytes. Every connection has it, also while it is idle.</summary>
    private const int UsualSize = 4 * 1024;

    private readonly byte[] _own = new byte[UsualSize];
    private byte[] _bytes;
    private int _start;
    private int _end;

    public ReceiveBuffer() => _bytes = _own;

    public Memory<byte> Bytes => _bytes.AsMemory(_start, _end - _start);

    public bool IsEmpty => _start == _end;

    /// <summary>The last receive could have brought more.</summary>
    public bool IsFull => _end == _bytes.Length;

    /// <summary>Room behind what is there; never none.</summary>
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

    /// <summary>Takes note of what was received into <see cref="Room"/>.</summary>
    public void Add(int count) => _end += count;

    public void Consume(int count) => _start += count;

    /// <summary>Makes room for so many bytes in one receive, or for as many as a head may have.</summary>
    public void Widen(long length)
    {
        if (length > _bytes.Length && _bytes.Length < ResponseHead.MaxBytes)
        {
            Replace(ArrayPool<byte>.Shared.Rent((int)Math.Min(length, ResponseHead.MaxBytes)));
        }
    }

    /// <summary>Forgets what is there, and gives back what it needed beyond the usual.</summary>
    public void Clear()
    {
        _start = _end = 0;
        if (_bytes != _own)
        {
            Replace(_own);
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
        if (_bytes != _own)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = bytes;
    }
}
