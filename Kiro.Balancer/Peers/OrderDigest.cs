using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Kiro.Balancer.Peers;

/// <summary>
/// A digest of a balancer's orders: the sum of their hashes in each bucket. Balancers exchange only the orders of buckets that differ.
/// </summary>
internal sealed class OrderDigest
{
    public const int Buckets = 64;

    private readonly ulong[] _sums = new ulong[Buckets];

    /// <summary>The bucket of a backend's orders.</summary>
    public static int BucketOf(string backend) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(backend)) % Buckets);

    public void Add(Order order) => _sums[BucketOf(order.Backend)] += order.Hash();

    public bool Differs(OrderDigest other, int bucket) => _sums[bucket] != other._sums[bucket];

    public bool Matches(OrderDigest other) => _sums.AsSpan().SequenceEqual(other._sums);

    public string Encoded()
    {
        var bytes = new byte[Buckets * sizeof(ulong)];
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bucket * sizeof(ulong)), _sums[bucket]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <returns>Null if it is invalid.</returns>
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

    /// <summary>A short form for people.</summary>
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
