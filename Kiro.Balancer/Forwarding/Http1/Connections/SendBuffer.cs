using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>What is to be sent next: a head, and what goes along with it. It grows as needed and is used again.</summary>
internal sealed class SendBuffer
{
    /// <summary>Enough for most requests; in bytes.</summary>
    private const int UsualSize = 1024;

    private readonly byte[] _own = new byte[UsualSize];
    private byte[] _bytes;

    public SendBuffer() => _bytes = _own;

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

    /// <summary>Writes a text byte for byte. It must be Latin-1.</summary>
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

    /// <summary>At least so many bytes to write into; <see cref="Advance"/> says how many were.</summary>
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

    /// <summary>Gives back what it needed beyond the usual.</summary>
    public void Narrow()
    {
        Length = 0;
        if (_bytes != _own)
        {
            Replace(_own);
        }
    }

    private void Replace(byte[] bytes)
    {
        if (_bytes != _own)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = bytes;
    }
}
