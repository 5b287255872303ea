using System.Buffers;
using System.Text;

namespace Kiro.Balancer.Clients;

/// <summary>The bytes of a text that was read as Latin-1, which keeps every byte of a field as it came.</summary>
internal ref struct Latin1Bytes : IDisposable
{
    /// <summary>Room on the stack for what is usual, in bytes; longer texts take rented memory.</summary>
    public const int Usual = 512;

    private byte[]? _rented;

    /// <param name="text">Without a character above U+00FF.</param>
    /// <param name="room">Used when it is large enough.</param>
    public Latin1Bytes(ReadOnlySpan<char> text, Span<byte> room)
    {
        var bytes = text.Length <= room.Length ? room : (_rented = ArrayPool<byte>.Shared.Rent(text.Length));
        Value = bytes[..Encoding.Latin1.GetBytes(text, bytes)];
    }

    public ReadOnlySpan<byte> Value { get; }

    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
