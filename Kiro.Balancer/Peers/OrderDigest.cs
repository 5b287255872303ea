using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Says in little which orders a balancer has: it sorts them into buckets and adds up the hashes in each. Two that differ
/// tell each other only the orders of the buckets that do.
/// </summary>
internal sealed class OrderDigest
{
    public const int Buckets = 64;

    private readonly ulong[] _sums = new ulong[Buckets];

    /// <summary>Where the orders about a node belong.</summary>
    public static int BucketOf(string backend) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(backend)) % Buckets);

    public void Add(Order order) => _sums[BucketOf(order.Backend)] += order.Hash();

    public bool Differs(OrderDigest other, int bucket) => _sums[bucket] != other._sums[bucket];

    public bool Matches(OrderDigest other) => _sums.AsSpan().SequenceEqual(other._sums);

    /// <summary>For the wire.</summary>
    public string Encoded()
    {
        var bytes = new byte[Buckets * sizeof(ulong)];
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bucket * sizeof(ulong)), _sums[bucket]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <returns>Null when it is none.</returns>
    public static OrderDigest? Decoded(string? text)
    {
        Span<byte> bytes = stackalloc byte[Buckets * sizeof(ulong)];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out var length) || length != bytes.Length)
        {
            return null;
        }

        var digest = new OrderDigest();
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            digest._sums[bucket] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(bucket * sizeof(ulong))..]);
        }

        return digest;
    }

    /// <summary>Few letters, for people: the same where the orders are the same.</summary>
    public override string ToString()
    {
        var all = 0UL;
        foreach (var sum in _sums)
        {
            all += sum;
        }

        return ((uint)(all ^ (all >> 32))).ToString("x8", CultureInfo.InvariantCulture);
    }
}
