using System.Numerics;

namespace Kiro.SideBySide.Load;

/// <summary>
/// Counts latencies in buckets of at most 1/128 of their value (the layout of HdrHistogram): fixed memory, and
/// percentiles are accurate to 0.8 %.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Precision = 7;
    private const int Half = 1 << Precision;

    private readonly long[] _counts = new long[(65 - Precision) * Half];

    public long Count { get; private set; }

    /// <param name="nanoseconds">Negative values count as 0, since the clocks of two cores may differ slightly.</param>
    public void Record(long nanoseconds)
    {
        _counts[Bucket((ulong)Math.Max(0, nanoseconds))]++;
        Count++;
    }

    /// <summary>The latency that <paramref name="percent"/> of all do not exceed (nearest rank).</summary>
    /// <returns>Zero if nothing was recorded.</returns>
    public TimeSpan Percentile(double percent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        var rank = Math.Max(1, (long)Math.Ceiling(Count * (decimal)percent / 100));
        long seen = 0;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return TimeSpan.FromTicks(Middle(bucket) / TimeSpan.NanosecondsPerTick);
            }
        }

        return TimeSpan.Zero;
    }

    private static int Bucket(ulong value)
    {
        if (value < 2 * Half)
        {
            return (int)value;
        }

        var shift = BitOperations.Log2(value) - Precision;
        return (shift * Half) + (int)(value >> shift);
    }

    private static long Middle(int bucket)
    {
        if (bucket < 2 * Half)
        {
            return bucket;
        }

        var shift = (bucket / Half) - 1;
        return ((((long)bucket % Half) + Half) << shift) + (1L << shift >> 1);
    }
}
