using System.Buffers.Binary;
using System.IO.Hashing;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Selection;

/// <summary>
/// Maps a client, by its address or its key, to one of 2^20 slots; all clients of a slot share their ranking of the nodes. The slots
/// bound the work of a table from slot to node, and are so many that their own unevenness does not show: with 5 nodes
/// a node's share is off by 0.2 % (one standard deviation).
/// </summary>
internal sealed class ClientHash(HashingOptions options)
{
    public const int SlotBits = 20;
    public const int SlotCount = 1 << SlotBits;

    private readonly ulong _seed = options.Seed;
    private readonly UInt128 _ipv4Mask = AddressRange.PrefixMask(96 + options.IPv4Prefix);
    private readonly UInt128 _ipv6Mask = AddressRange.PrefixMask(options.IPv6Prefix);

    /// <summary>The part of an address that counts: all of IPv4, the /64 of IPv6 by default.</summary>
    public ClientAddress Key(ClientAddress client) =>
        new(client.Value & (client.IsIPv4 ? _ipv4Mask : _ipv6Mask));

    /// <summary>How many leading bits of an address count.</summary>
    public int PrefixOf(ClientAddress client) => client.IsIPv4 ? options.IPv4Prefix : options.IPv6Prefix;

    /// <summary>The client's slot, from 0 to 2^20 - 1: by its key if it has one, else by its address.</summary>
    public int Slot(in Client client) => client.Key is { } key ? Slot(key) : Slot(client.Address);

    /// <summary>The same by a key alone.</summary>
    public int Slot(StickyKey key)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key.Value);
        return SlotOf(bytes);
    }

    /// <summary>The same by an address alone.</summary>
    public int Slot(ClientAddress client)
    {
        Span<byte> key = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(key, Key(client).Value);
        return SlotOf(key);
    }

    private int SlotOf(ReadOnlySpan<byte> key) => (int)(XxHash3.HashToUInt64(key, (long)_seed) >> (64 - SlotBits));
}
