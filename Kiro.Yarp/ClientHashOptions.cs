using System.Net;

namespace Kiro.Yarp;

/// <summary>How clients are told apart. Every proxy of a service must have the same, or they disagree about destinations.</summary>
public sealed class ClientHashOptions
{
    /// <summary>
    /// What is hashed: <c>ip</c> (the default), <c>header:NAME</c> or <c>cookie:NAME</c>. A request without the header or
    /// cookie goes by its address. A cluster may say another with <see cref="ClientHashConstants.KeyMetadata"/>.
    /// </summary>
    public string Key { get; set; } = "ip";

    /// <summary>
    /// Whose <c>X-Forwarded-For</c>, or where that is missing <c>Forwarded</c> (RFC 7239), is believed: addresses and CIDR
    /// ranges, separated by commas, or <c>none</c>. By default this machine. The list is read from right to left, and only as
    /// long as the address to the right of an entry is trusted.
    /// </summary>
    public string TrustedProxies { get; set; } = "127.0.0.0/8,::1/128";

    /// <summary>Any text that makes the mapping another one; a secret one keeps outsiders from aiming at a destination.
    /// Null (the default) is the mapping of a Kiro balancer without <c>HASH_SEED</c>.</summary>
    public string? Seed { get; set; }

    /// <summary>How many leading bits of an IPv4 address count, 1 to 32. By default 32: all of it.</summary>
    public int IPv4Prefix { get; set; } = 32;

    /// <summary>How many leading bits of an IPv6 address count, 1 to 128. By default 64: one household or office, whose
    /// devices change the other half at will (RFC 8981).</summary>
    public int IPv6Prefix { get; set; } = 64;

    /// <returns>Null when an element of <see cref="TrustedProxies"/> is neither an address nor a range.</returns>
    internal IReadOnlyList<IPNetwork>? ReadTrustedProxies()
    {
        var networks = new List<IPNetwork>();
        foreach (var part in TrustedProxies == "none" ? [] : TrustedProxies.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPNetwork.TryParse(part, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(part, out var address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                return null;
            }
        }

        return networks;
    }
}
