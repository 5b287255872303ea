using System.IO.Hashing;
using System.Text;

namespace Kiro.Balancer.Selection;

/// <summary>What makes the key. Every balancer of a service must have the same, or they disagree about nodes.</summary>
/// <param name="Seed"><c>HASH_SEED</c>: any text; a secret one keeps outsiders from aiming at a node. Unset, a fixed one.</param>
/// <param name="IPv4Prefix"><c>HASH_IPV4_PREFIX</c>: leading bits of an IPv4 address that count, 1 to 32, default 32.</param>
/// <param name="IPv6Prefix"><c>HASH_IPV6_PREFIX</c>: the same for IPv6, 1 to 128, default 64: one household or
/// office, whose devices change the other half at will (RFC 8981).</param>
internal sealed partial record HashingOptions(ulong Seed, int IPv4Prefix, int IPv6Prefix)
{
    /// <summary>Part of the promise that clients keep their node across versions; never change it.</summary>
    public const ulong DefaultSeed = 0x4B69_726F_2D48_5257;

    /// <summary>The seed that a text stands for.</summary>
    public static ulong SeedOf(string text) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(text));
}
