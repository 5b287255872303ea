using System.Numerics;

namespace Kiro.Balancer.Backends;

/// <summary>
/// Buckets for durations, eight to an octave: whatever the duration, a bucket is at most an eighth of it wide. Below 0.2 ms
/// they are 26 µs wide; what takes longer than 28 min counts as that. (The log-linear buckets of G. Tene's HdrHistogram,
/// in so little memory that every node, and every writer of its counts, can have a set.)
/// </summary>
internal static class LatencyBuckets
{
    /// <summary>How many there are.</summary>
    public const int Count = (MaxExponent - SubBits + 2) << SubBits;

    private const int SubBits = 3;
    private const int MaxExponent = 25;

    // 256 ticks of 100 ns.
    private const int UnitBits = 8;

    /// <summary>The bucket of a duration, from 0 to <see cref="Count"/> - 1.</summary>
    public static int Of(TimeSpan duration)
    {
        var units = (ulong)Math.Max(0, duration.Ticks) >> UnitBits;
        if (units < 1 << SubBits)
        {
            return (int)units;
        }

        var exponent = BitOperations.Log2(units);
        return exponent > MaxExponent
            ? Count - 1
            : ((exponent - SubBits + 1) << SubBits) + (int)((units >> (exponent - SubBits)) & ((1 << SubBits) - 1));
    }

    /// <summary>Where a bucket begins; the next one begins where it ends.</summary>
    public static TimeSpan Start(int bucket)
    {
        var (octave, sub) = (bucket >> SubBits, bucket & ((1 << SubBits) - 1));
        var units = octave == 0 ? sub : (long)((1 << SubBits) + sub) << (octave - 1);
        return TimeSpan.FromTicks(units << UnitBits);
    }
}
