using System.Buffers.Binary;

namespace Kiro.Balancer.Selection;

/// <summary>
/// XXH3 (64 bits, seeded) of an address's 16 bytes, in network order: the xxHash specification 0.8, "9 to 16 bytes". It is what
/// <see cref="System.IO.Hashing.XxHash3"/> returns, without asking in every request how long an address is and what to do with the seed.
/// </summary>
/// <param name="seed">The same on every balancer.</param>
internal readonly struct AddressHash(ulong seed)
{
    private const int Length = 16;

    // Bytes 24 to 55 of the specification's secret, as four numbers.
    private readonly ulong _first = (0x1F67_B3B7_A4A4_4072 ^ 0x78E5_C0CC_4EE6_79CB) + seed;
    private readonly ulong _second = (0x2172_FFCC_7DD0_5A82 ^ 0x8E24_43F7_7446_08B8) - seed;

    /// <param name="address">The first byte in the upper bits.</param>
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
