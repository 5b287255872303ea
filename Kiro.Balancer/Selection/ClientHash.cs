using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Selection;

/// <summary>
/// Maps a client, by its address or its key, to one of 2^20 slots; all clients of a slot share one ranking of the backends. A fixed
/// number of slots bounds the cost of a slot table, and 2^20 are enough that the slots add no visible imbalance: with 5
/// backends, a backend's share has a standard deviation of 0.2 %.
/// </summary>
internal sealed class ClientHash(HashingOptions options)
{
    public const int SlotBits = 20;
    public const int SlotCount = 1 << SlotBits;

    private readonly AddressHash _ofAddress = new(options.Seed);
    private readonly UInt128 _ipv4Mask = AddressRange.PrefixMask(96 + options.IPv4Prefix);
    private readonly UInt128 _ipv6Mask = AddressRange.PrefixMask(options.IPv6Prefix);

    /// <summary>The hashed part of an address: by default all of IPv4, and the /64 of IPv6.</summary>
    public ClientAddress Key(ClientAddress client) =>
        new(client.Value & (client.IsIPv4 ? _ipv4Mask : _ipv6Mask));

    /// <summary>The number of leading bits that are hashed.</summary>
    public int PrefixOf(ClientAddress client) => client.IsIPv4 ? options.IPv4Prefix : options.IPv6Prefix;

    /// <summary>The client's slot, 0 to 2^20 - 1: the hash of its key if it has one, else of its address.</summary>
    public int Slot(in Client client) => client.Key is { } key ? Slot(key) : Slot(client.Address);

    public int Slot(StickyKey key)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key.Value);
        return SlotOf(XxHash3.HashToUInt64(bytes, (long)options.Seed));
    }

    public int Slot(ClientAddress client) => SlotOf(_ofAddress.Of(Key(client).Value));

    private static int SlotOf(ulong hash) => (int)(hash >> (64 - SlotBits));
}

/// <summary>How clients are hashed. All balancers in front of a service need the same values, or they pick different backends.</summary>
/// <param name="Seed"><c>HASH_SEED</c>: any text; a secret one keeps outsiders from targeting a backend. A fixed seed by default.</param>
/// <param name="IPv4Prefix"><c>HASH_IPV4_PREFIX</c>: leading bits of an IPv4 address that are hashed, 1 to 32, default 32.</param>
/// <param name="IPv6Prefix"><c>HASH_IPV6_PREFIX</c>: the same for IPv6, 1 to 128, default 64: one household or
/// office, whose devices choose the other half themselves (RFC 8981).</param>
internal sealed partial record HashingOptions(ulong Seed, int IPv4Prefix, int IPv6Prefix)
{
    /// <summary>Never change it: clients keep their backend across versions.</summary>
    public const ulong DefaultSeed = 0x4B69_726F_2D48_5257;

    public static ulong SeedOf(string text) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(text));
}

/// <summary>
/// XXH3 (64 bits, seeded) of an address's 16 bytes in network order: the "9 to 16 bytes" case of the xxHash 0.8 specification. Same
/// result as <see cref="System.IO.Hashing.XxHash3"/>, without dispatching on length and seed for each request.
/// </summary>
/// <param name="seed">The same on every balancer.</param>
internal readonly struct AddressHash(ulong seed)
{
    private const int Length = 16;

    // Bytes 24 to 55 of the default secret.
    private readonly ulong _first = (0x1F67_B3B7_A4A4_4072 ^ 0x78E5_C0CC_4EE6_79CB) + seed;
    private readonly ulong _second = (0x2172_FFCC_7DD0_5A82 ^ 0x8E24_43F7_7446_08B8) - seed;

    /// <param name="address">The first byte in the most significant bits.</param>
    public ulong Of(UInt128 address)
    {
        var first = BinaryPrimitives.ReverseEndianness((ulong)(address >> 64)) ^ _first;
        var second = BinaryPrimitives.ReverseEndianness((ulong)address) ^ _second;
        var upper = Math.BigMul(first, second, out var lower);
        return Avalanche(Length + BinaryPrimitives.ReverseEndianness(first) + second + (upper ^ lower));
    }

    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 37)) * 0x1656_6791_9E37_79F9;
        return hash ^ (hash >> 32);
    }
}
