using System.Numerics;

namespace Kiro.Balancer.Backends;

/// <summary>Responses by class, latencies and bytes: totals, or the difference between two of them.</summary>
internal sealed class TrafficCounts
{
    internal const int MaxClass = 5;
    internal const int BytesIn = 6;
    internal const int BytesOut = 7;
    internal const int Latencies = 8;
    internal const int Length = Latencies + LatencyBuckets.Count;

    private readonly long[] _counts;

    private TrafficCounts(long[] counts)
    {
        _counts = counts;
        for (var statusClass = 0; statusClass <= MaxClass; statusClass++)
        {
            Responses += counts[statusClass];
        }
    }

    public static TrafficCounts None { get; } = new(new long[Length]);

    public long Responses { get; }

    /// <summary>Responses with 5xx.</summary>
    public long Errors => OfClass(5);

    public ResponseCounts ResponseCounts => new(Responses, Errors);

    /// <summary>Bytes sent to backends.</summary>
    public long Sent => _counts[BytesIn];

    /// <summary>Bytes received from backends.</summary>
    public long Received => _counts[BytesOut];

    /// <summary>Responses of a class.</summary>
    /// <param name="statusClass">1 for 1xx, to 5.</param>
    public long OfClass(int statusClass) => _counts[statusClass];

    /// <summary>A quantile of the latencies.</summary>
    /// <param name="quantile">Such as 0.99.</param>
    /// <returns>Accurate to an eighth; null without responses.</returns>
    public TimeSpan? Quantile(double quantile)
    {
        // Fewer than the responses: the balancer's own have no latency.
        var all = 0L;
        foreach (var count in _counts.AsSpan(Latencies))
        {
            all += count;
        }

        var rank = quantile * all;
        var below = 0L;
        for (var bucket = 0; bucket < LatencyBuckets.Count; bucket++)
        {
            var here = _counts[Latencies + bucket];
            if (here > 0 && below + here >= rank)
            {
                var (start, end) = (LatencyBuckets.Start(bucket), LatencyBuckets.Start(bucket + 1));
                return start + (end - start) * Math.Clamp((rank - below) / here, 0, 1);
            }

            below += here;
        }

        return null;
    }

    public static TrafficCounts Sum(IEnumerable<TrafficCounts> all)
    {
        var sums = new long[Length];
        foreach (var one in all)
        {
            for (var count = 0; count < Length; count++)
            {
                sums[count] += one._counts[count];
            }
        }

        return new TrafficCounts(sums);
    }

    /// <summary>The difference from earlier counts.</summary>
    public TrafficCounts Since(TrafficCounts earlier)
    {
        var differences = new long[Length];
        for (var count = 0; count < Length; count++)
        {
            differences[count] = _counts[count] - earlier._counts[count];
        }

        return new TrafficCounts(differences);
    }

    internal static TrafficCounts Of(IEnumerable<TrafficCell> cells)
    {
        var sums = new long[Length];
        foreach (var cell in cells)
        {
            cell.AddTo(sums);
        }

        return new TrafficCounts(sums);
    }
}

/// <summary>The number of responses, and of errors among them.</summary>
/// <param name="Responses">All responses.</param>
/// <param name="Errors">Responses with 5xx.</param>
internal readonly record struct ResponseCounts(long Responses, long Errors)
{
    /// <summary>The fraction of errors, 0 to 1.</summary>
    public double ErrorShare => Responses == 0 ? 0 : Errors / (double)Responses;

    public static ResponseCounts operator +(ResponseCounts one, ResponseCounts other) => new(one.Responses + other.Responses, one.Errors + other.Errors);

    public static ResponseCounts operator -(ResponseCounts one, ResponseCounts other) => new(one.Responses - other.Responses, one.Errors - other.Errors);
}

/// <summary>
/// Log-linear histogram buckets as in G. Tene's HdrHistogram, eight per octave: a bucket is at most an eighth of its duration wide.
/// Below 0.2 ms they are 26 µs wide; longer than 28 min counts as 28 min. Small enough for a set per backend and writer.
/// </summary>
internal static class LatencyBuckets
{
    /// <summary>The number of buckets.</summary>
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

    /// <summary>The inclusive start of a bucket, and the exclusive end of the previous one.</summary>
    public static TimeSpan Start(int bucket)
    {
        var (octave, sub) = (bucket >> SubBits, bucket & ((1 << SubBits) - 1));
        var units = octave == 0 ? sub : (long)((1 << SubBits) + sub) << (octave - 1);
        return TimeSpan.FromTicks(units << UnitBits);
    }
}
