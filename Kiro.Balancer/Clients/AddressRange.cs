using System.Net;

namespace Kiro.Balancer.Clients;

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
