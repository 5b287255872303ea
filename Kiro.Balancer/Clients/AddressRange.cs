using System.Globalization;

namespace Kiro.Balancer.Clients;

/// <summary>All addresses that share a prefix (CIDR, RFC 4632). IPv4 and IPv6 never overlap.</summary>
internal readonly record struct AddressRange(UInt128 Network, UInt128 Mask)
{
    /// <summary>Reads <c>10.0.0.0/8</c>, <c>fd00::/8</c> or a single address. Bits beyond the prefix are ignored.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressRange range)
    {
        range = default;
        var slash = text.IndexOf('/');
        if (!ClientAddress.TryParse(slash < 0 ? text : text[..slash], out var address))
        {
            return false;
        }

        var bits = address.IsIPv4 ? 32 : 128;
        var prefix = bits;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > bits))
        {
            return false;
        }

        var mask = PrefixMask(128 - bits + prefix);
        range = new AddressRange(address.Value & mask, mask);
        return true;
    }

    // IPv4 stands inside of IPv6's numbers, so that ::/0 alone would contain it.
    public bool Contains(ClientAddress address) =>
        (address.Value & Mask) == Network && address.IsIPv4 == new ClientAddress(Network).IsIPv4;

    /// <summary>A mask of <paramref name="prefix"/> ones, 0 to 128, from the left.</summary>
    public static UInt128 PrefixMask(int prefix) => prefix == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - prefix);
}
