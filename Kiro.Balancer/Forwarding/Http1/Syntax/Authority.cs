using System.Buffers;
using System.Net;
using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Whom a request is for: <c>uri-host [ ":" port ]</c> (RFC 3986, section 3.2; RFC 9110, section 7.2), never with a user.</summary>
internal static class Authority
{
    private const int MaxPort = 65535;
    private const int ShortValue = 256;

    // unreserved and sub-delims; the percent sign is looked at more closely.
    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create(Encoding.ASCII.GetBytes("-._~!$&'()*+,;=%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));

    /// <param name="value">Not empty.</param>
    public static bool IsValid(ReadOnlySpan<byte> value)
    {
        int end;
        if (value[0] == '[')
        {
            end = value.IndexOf((byte)']') + 1;
            if (end == 0 || !IsIPv6(value[1..(end - 1)]))
            {
                return false;
            }
        }
        else
        {
            end = value.IndexOfAnyExcept(NameBytes);
            end = end < 0 ? value.Length : end;
            if (end == 0 || !IsEncoded(value[..end]))
            {
                return false;
            }
        }

        return end == value.Length || (value[end] == ':' && IsPort(value[(end + 1)..]));
    }

    /// <summary>The same of a text.</summary>
    /// <param name="value">Not empty; what is not Latin-1 is no part of an authority.</param>
    public static bool IsValid(string value)
    {
        Span<byte> bytes = value.Length <= ShortValue ? stackalloc byte[ShortValue] : new byte[value.Length];
        return IsValid(bytes[..Encoding.Latin1.GetBytes(value, bytes)]);
    }

    // A zone ("%eth0") means something on one machine only.
    private static bool IsIPv6(ReadOnlySpan<byte> address) => !address.Contains((byte)'%') && address.Contains((byte)':') && IPAddress.IsValidUtf8(address);

    private static bool IsEncoded(ReadOnlySpan<byte> name)
    {
        while (name.IndexOf((byte)'%') is >= 0 and var place)
        {
            if (place + 2 >= name.Length || !char.IsAsciiHexDigit((char)name[place + 1]) || !char.IsAsciiHexDigit((char)name[place + 2]))
            {
                return false;
            }

            name = name[(place + 3)..];
        }

        return true;
    }

    // May be empty: the colon alone is valid and means the usual one (RFC 3986, section 3.2.3).
    private static bool IsPort(ReadOnlySpan<byte> digits)
    {
        var port = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit) || (port = port * 10 + digit - '0') > MaxPort)
            {
                return false;
            }
        }

        return true;
    }
}
