using System.Buffers;
using System.IO.Hashing;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>Who is calling.</summary>
/// <param name="Address">The client's own address: what the node is told, and what is hashed unless there is a key.</param>
/// <param name="Peer">The other end of the connection: the client, or the proxy before us.</param>
/// <param name="PeerIsTrusted">Whether the peer's X-Forwarded headers count.</param>
internal readonly record struct Client(ClientAddress Address, ClientAddress Peer, bool PeerIsTrusted)
{
    /// <summary>What is hashed in place of the address; null when the address is.</summary>
    public StickyKey? Key { get; init; }

    /// <summary>Whether the key was made for this request: the client learns it with the response.</summary>
    public bool IsNew { get; init; }

    /// <summary>What nodes may call it by: the same as long as it counts as the same client, and nobody else's. Who has no key
    /// yet is called <c>new</c>, or whoever never keeps one would be another one with each request. Null without a key.</summary>
    public string? Pseudonym => IsNew ? "new" : Key?.ToString();

    /// <summary>Whether it is, as far as can be told, the same client.</summary>
    public bool IsSameAs(in Client other) => Key is null && other.Key is null ? Address == other.Address : Key == other.Key;
}

/// <summary>
/// What is hashed of a client in place of its address: the value of a cookie or of a field, condensed to 64 bits (XXH3), so
/// that it travels with a request without being kept. What it was made of cannot be told from it.
/// </summary>
internal readonly record struct StickyKey(ulong Value)
{
    /// <summary>Of the bytes of a value, whatever they are.</summary>
    public static StickyKey Of(ReadOnlySpan<byte> value) => new(XxHash3.HashToUInt64(value));

    /// <summary>The same of a value that was read as Latin-1.</summary>
    public static StickyKey Of(ReadOnlySpan<char> value)
    {
        using var bytes = new Latin1Bytes(value, stackalloc byte[Latin1Bytes.Usual]);
        return Of(bytes.Value);
    }

    /// <summary>Of a field's lines, which mean the same as one line with commas between them (RFC 9110, section 5.3).</summary>
    /// <returns>Null when no line says anything.</returns>
    public static StickyKey? OfField(in StringValues lines)
    {
        if (lines.Count == 1)
        {
            var only = lines[0].AsSpan().Trim(" \t");
            return only.IsEmpty ? null : Of(only);
        }

        var list = string.Join(", ", lines.Select(line => line?.Trim(' ', '\t')).Where(line => !string.IsNullOrEmpty(line)));
        return list.Length == 0 ? null : Of(list.AsSpan());
    }

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}

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
