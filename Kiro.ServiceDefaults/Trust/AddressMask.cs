using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kiro.ServiceDefaults.Trust;

/// <summary>Masks addresses for public display: recognisable to their owner, but not identifying.</summary>
public static class AddressMask
{
    /// <summary><c>203.0.113.7</c> becomes <c>203.0.113.*</c>, <c>2001:db8:1:2::3</c> becomes <c>2001:db8:1:*</c>.</summary>
    public static string Hide(string address)
    {
        if (!IPAddress.TryParse(address, out var parsed))
        {
            return "*";
        }

        parsed = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        var bytes = parsed.GetAddressBytes();
        return parsed.AddressFamily == AddressFamily.InterNetwork
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes[0]}.{bytes[1]}.{bytes[2]}.*")
            : string.Create(CultureInfo.InvariantCulture, $"{Group(bytes, 0):x}:{Group(bytes, 2):x}:{Group(bytes, 4):x}:*");
    }

    private static int Group(byte[] bytes, int first) => (bytes[first] << 8) | bytes[first + 1];
}
