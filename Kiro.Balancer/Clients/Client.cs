using System.Buffers;
using System.IO.Hashing;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>The client of a request.</summary>
/// <param name="Address">The client's address: forwarded to the backend, and hashed unless there is a key.</param>
/// <param name="Peer">The remote end of the connection: the client, or a proxy in front of the balancer.</param>
/// <param name="PeerIsTrusted">Whether the peer's X-Forwarded-* fields are used.</param>
internal readonly record struct Client(ClientAddress Address, ClientAddress Peer, bool PeerIsTrusted)
{
    /// <summary>What is hashed instead of the address; null to hash the address.</summary>
    public StickyKey? Key { get; init; }

    /// <summary>Whether the key was generated for this request: the response sets it.</summary>
    public bool IsNew { get; init; }

    /// <summary>An id for backends, stable and unique per client. <c>new</c> for a client that has no key yet, as one that never
    /// stores it would get a new id with each request. Null without a key.</summary>
    public string? Pseudonym => IsNew ? "new" : Key?.ToString();

    /// <summary>Whether both are the same client, by key or else by address.</summary>
    public bool IsSameAs(in Client other) => Key is null && other.Key is null ? Address == other.Address : Key == other.Key;
}

/// <summary>
/// What is hashed instead of a client's address: the 64-bit hash (XXH3) of a cookie or a field value, so that the value itself need
/// not be kept and cannot be recovered.
/// </summary>
internal readonly record struct StickyKey(ulong Value)
{
    public static StickyKey Of(ReadOnlySpan<byte> value) => new(XxHash3.HashToUInt64(value));

    /// <summary>For a value decoded as Latin-1.</summary>
    public static StickyKey Of(ReadOnlySpan<char> value)
    {
        using var bytes = new Latin1Bytes(value, stackalloc byte[Latin1Bytes.StackSize]);
        return Of(bytes.Value);
    }

    /// <summary>For all lines of a field, combined with commas (RFC 9110, section 5.3).</summary>
    /// <returns>Null if all lines are empty.</returns>
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

/// <summary>The original bytes of a field decoded as Latin-1, which is lossless.</summary>
internal ref struct Latin1Bytes : IDisposable
{
    /// <summary>For the buffer on the stack, in bytes; longer texts use a rented array.</summary>
    public const int StackSize = 512;

    private byte[]? _rented;

    /// <param name="text">Has no character above U+00FF.</param>
    /// <param name="buffer">Used if large enough.</param>
    public Latin1Bytes(ReadOnlySpan<char> text, Span<byte> buffer)
    {
        var bytes = text.Length <= buffer.Length ? buffer : (_rented = ArrayPool<byte>.Shared.Rent(text.Length));
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
