using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Hashing;
using System.Net;
using System.Net.Sockets;
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

/// <summary>
/// An IP address as one 128-bit number. IPv4 stands in its IPv4-mapped form (::ffff:0:0/96, RFC 4291 section 2.5.5.2),
/// so that both spellings of one address are the same client.
/// </summary>
internal readonly record struct ClientAddress(UInt128 Value)
{
    private const int MaxAddressLength = 45;
    private static readonly UInt128 MappedPrefix = (UInt128)0xFFFF << 32;

    /// <summary>True for IPv4 and for IPv4-mapped IPv6.</summary>
    public bool IsIPv4 => Value >> 32 == 0xFFFF;

    /// <summary>Takes an address as the socket reports it; the scope of a link-local one is dropped.</summary>
    public static ClientAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new ClientAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>
    /// Reads an entry of X-Forwarded-For: an address, with or without a port, IPv6 with or without brackets.
    /// IPv4 must be four decimal numbers: "1" or "0x7f.1" are no addresses here, and neither is "010.1.1.1", which is 10.1.1.1 to
    /// some and 8.1.1.1 to others.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ClientAddress address)
    {
        text = text.Trim(" \t\"");
        if (text.StartsWith('['))
        {
            var end = text.IndexOf(']');
            text = end < 0 ? [] : text[1..end];
        }
        else if (text.IndexOf(':') is var colon && colon >= 0 && !text[(colon + 1)..].Contains(':'))
        {
            text = text[..colon];
        }

        if (!text.Contains(':'))
        {
            return TryParseIPv4(text, out address);
        }

        var isAddress = IPAddress.TryParse(text[..Math.Min(text.Length, MaxAddressLength + 1)], out var parsed);
        address = isAddress ? From(parsed!) : default;
        return isAddress;
    }

    /// <summary>IPv4 in dotted form, IPv6 as in RFC 5952.</summary>
    public override string ToString() => ToIPAddress().ToString();

    /// <summary>The address as the framework has it; IPv4 as IPv4.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return new IPAddress(IsIPv4 ? bytes[12..] : bytes);
    }

    /// <summary>The same, as ASCII and without allocating for IPv4.</summary>
    /// <param name="text">Room for 45 bytes.</param>
    /// <param name="length">How many were written.</param>
    public bool TryFormat(Span<byte> text, out int length)
    {
        if (!IsIPv4)
        {
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
            return new IPAddress(bytes).TryFormat(text, out length);
        }

        var number = (uint)Value;
        length = 0;
        for (var shift = 24; shift >= 0; shift -= 8)
        {
            if (shift < 24)
            {
                text[length++] = (byte)'.';
            }

            Utf8Formatter.TryFormat((byte)(number >> shift), text[length..], out var digits);
            length += digits;
        }

        return true;
    }

    private static ClientAddress FromIPv4(uint address) => new(MappedPrefix | address);

    private static bool TryParseIPv4(ReadOnlySpan<char> text, out ClientAddress address)
    {
        address = default;
        uint value = 0;
        var octets = 0;
        foreach (var part in text.Split('.'))
        {
            var digits = text[part];
            if (++octets > 4 || digits.Length > 3 || (digits.Length > 1 && digits[0] == '0')
                || !byte.TryParse(digits, System.Globalization.NumberStyles.None, null, out var octet))
            {
                return false;
            }

            value = (value << 8) | octet;
        }

        if (octets < 4)
        {
            return false;
        }

        address = FromIPv4(value);
        return true;
    }
}

/// <summary>All addresses that share a prefix (CIDR, RFC 4632), as numbers. IPv4 and IPv6 never overlap.</summary>
internal readonly record struct AddressRange(UInt128 Network, UInt128 Mask)
{
    public static AddressRange From(IPNetwork network)
    {
        var address = ClientAddress.From(network.BaseAddress);
        return new AddressRange(address.Value, PrefixMask((address.IsIPv4 ? 96 : 0) + network.PrefixLength));
    }

    // IPv4 stands inside of IPv6's numbers, so that ::/0 alone would contain it.
    public bool Contains(ClientAddress address) =>
        (address.Value & Mask) == Network && address.IsIPv4 == new ClientAddress(Network).IsIPv4;

    /// <summary>A mask of <paramref name="prefix"/> ones, 0 to 128, from the left.</summary>
    public static UInt128 PrefixMask(int prefix) => prefix == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - prefix);
}
