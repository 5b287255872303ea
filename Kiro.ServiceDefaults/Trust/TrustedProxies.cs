using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Trust;

/// <summary><c>TRUSTED_PROXIES</c>: the peers whose forwarded client addresses are trusted.</summary>
public static class TrustedProxies
{
    private const string Variable = "TRUSTED_PROXIES";

    /// <summary>Loopback.</summary>
    private const string Default = "127.0.0.0/8,::1/128";

    /// <summary>Addresses and CIDR ranges, separated by commas, or <c>none</c>; by default the loopback addresses.</summary>
    public static IReadOnlyList<IPNetwork> Read(SettingsReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var list = settings.Text(Variable, Default);
        var networks = new List<IPNetwork>();
        foreach (var part in list == "none" ? [] : list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParse(part, out var network))
            {
                settings.Reject(Variable, list, $"addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; {part} is neither");
                break;
            }

            networks.Add(network);
        }

        foreach (var network in networks.Where(IsWide).Take(1))
        {
            settings.Warn(network.PrefixLength == 0
                ? $"{Variable} contains {network}: any client can forge its address and thus choose its node."
                : $"{Variable} contains {network}: this includes many clients on the internet, which can forge their address and thus choose their node.");
        }

        return networks;
    }

    /// <summary>
    /// Reads <c>10.0.0.0/8</c>, <c>fd00::/8</c> or a single address (CIDR, RFC 4632). Bits beyond the prefix are ignored;
    /// an IPv4-mapped address is its IPv4 address.
    /// </summary>
    public static bool TryParse(string text, out IPNetwork network)
    {
        ArgumentNullException.ThrowIfNull(text);
        network = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (Address(slash < 0 ? text : text[..slash]) is not { } address)
        {
            return false;
        }

        var bytes = address.GetAddressBytes();
        var bits = bytes.Length * 8;
        var prefix = bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > bits))
        {
            return false;
        }

        // Unlike other tools, the framework's parser does not accept 10.1.2.3/8 as 10.0.0.0/8.
        for (var bit = prefix; bit < bits; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        network = new IPNetwork(new IPAddress(bytes), prefix);
        return true;
    }

    // Wider than the largest private networks, 10.0.0.0/8 and fc00::/7.
    private static bool IsWide(IPNetwork network) => network.BaseAddress.AddressFamily == AddressFamily.InterNetwork
        ? network.PrefixLength < 8
        : network.PrefixLength < 16 && !(network.PrefixLength >= 7 && (network.BaseAddress.IsIPv6UniqueLocal || network.BaseAddress.IsIPv6LinkLocal));

    private static IPAddress? Address(string text)
    {
        if (!IPAddress.TryParse(text, out var address))
        {
            return null;
        }

        // The framework also accepts "10", "0x7f.1", "010.0.0.1" (as 8.0.0.1) and "[::1]:80".
        return address.AddressFamily == AddressFamily.InterNetwork ? (address.ToString() == text ? address : null)
            : text.AsSpan().IndexOfAny('[', '%') >= 0 ? null
            : address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
            : address;
    }
}
