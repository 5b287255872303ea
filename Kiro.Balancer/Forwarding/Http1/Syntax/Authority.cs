using System.Buffers;
using System.Net;
using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The authority of a request: <c>uri-host [ ":" port ]</c> (RFC 3986, section 3.2; RFC 9110, section 7.2), without userinfo.</summary>
internal static class Authority
{
    private const int MaxPort = 65535;
    private const int MaxStackBytes = 256;

    // unreserved and sub-delims; percent-encoding is checked separately.
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
            if (end == 0 || !IsPercentEncoded(value[..end]))
            {
                return false;
            }
        }

        return end == value.Length || (value[end] == ':' && IsPort(value[(end + 1)..]));
    }

    /// <inheritdoc cref="IsValid(ReadOnlySpan{byte})"/>
    /// <param name="value">Not empty. Characters outside Latin-1 are invalid.</param>
    public static bool IsValid(string value)
    {
        Span<byte> bytes = value.Length <= MaxStackBytes ? stackalloc byte[MaxStackBytes] : new byte[value.Length];
        return IsValid(bytes[..Encoding.Latin1.GetBytes(value, bytes)]);
    }

    // A zone id ("%eth0") is only meaningful on one machine.
    private static bool IsIPv6(ReadOnlySpan<byte> address) => !address.Contains((byte)'%') && address.Contains((byte)':') && IPAddress.IsValidUtf8(address);

    private static bool IsPercentEncoded(ReadOnlySpan<byte> name)
    {
        while (name.IndexOf((byte)'%') is >= 0 and var index)
        {
            if (index + 2 >= name.Length || !char.IsAsciiHexDigit((char)name[index + 1]) || !char.IsAsciiHexDigit((char)name[index + 2]))
            {
                return false;
            }

            name = name[(index + 3)..];
        }

        return true;
    }

    // An empty port means the default one (RFC 3986, section 3.2.3).
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
