using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Clients;

/// <summary>
/// An IP address as a 128-bit number. IPv4 addresses are IPv4-mapped (::ffff:0:0/96, RFC 4291, section 2.5.5.2), so that both forms of an
/// address are the same client.
/// </summary>
internal readonly record struct ClientAddress(UInt128 Value)
{
    private const int MaxAddressLength = 45;
    private static readonly UInt128 MappedPrefix = (UInt128)0xFFFF << 32;

    /// <summary>Whether it is IPv4, mapped or not.</summary>
    public bool IsIPv4 => Value >> 32 == 0xFFFF;

    /// <summary>From a socket's address; the scope id of a link-local address is dropped.</summary>
    public static ClientAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new ClientAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>
    /// Parses an entry of X-Forwarded-For: an address with or without a port, IPv6 with or without brackets.
    /// IPv4 must be four decimal numbers: "1" and "0x7f.1" are rejected, and so is "010.1.1.1", which some parsers read as 10.1.1.1 and
    /// others as 8.1.1.1.
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

    /// <summary>The framework's type; IPv4 is not mapped.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return new IPAddress(IsIPv4 ? bytes[12..] : bytes);
    }

    /// <summary>Formats as ASCII; does not allocate for IPv4.</summary>
    /// <param name="text">At least 45 bytes.</param>
    /// <param name="length">The number of bytes written.</param>
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

/// <summary>A CIDR range. IPv4 and IPv6 ranges never overlap.</summary>
internal readonly record struct AddressRange(UInt128 Network, UInt128 Mask)
{
    public static AddressRange From(IPNetwork network)
    {
        var address = ClientAddress.From(network.BaseAddress);
        return new AddressRange(address.Value, PrefixMask((address.IsIPv4 ? 96 : 0) + network.PrefixLength));
    }

    // ::/0 would otherwise contain the mapped IPv4 addresses.
    public bool Contains(ClientAddress address) =>
        (address.Value & Mask) == Network && address.IsIPv4 == new ClientAddress(Network).IsIPv4;

    /// <summary>The mask for a prefix length of 0 to 128.</summary>
    public static UInt128 PrefixMask(int prefix) => prefix == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - prefix);
}
