using System.Numerics;

namespace Kiro.Balancer.Backends;

/// <summary>Responses by class, how long they took, and bytes, at one moment or between two.</summary>
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

    /// <summary>Nothing yet.</summary>
    public static TrafficCounts None { get; } = new(new long[Length]);

    /// <summary>All responses.</summary>
    public long Responses { get; }

    /// <summary>Those with a status from 500 on.</summary>
    public long Errors => OfClass(5);

    /// <summary>How many responses, and how many of them errors: what a node is judged by.</summary>
    public ResponseCounts ResponseCounts => new(Responses, Errors);

    /// <summary>Bytes that went to nodes.</summary>
    public long Sent => _counts[BytesIn];

    /// <summary>Bytes that came from nodes.</summary>
    public long Received => _counts[BytesOut];

    /// <summary>Responses of a class.</summary>
    /// <param name="statusClass">1 for 1xx, to 5.</param>
    public long OfClass(int statusClass) => _counts[statusClass];

    /// <summary>The duration that a part of the responses took at most.</summary>
    /// <param name="quantile">The part, such as 0.99.</param>
    /// <returns>Within an eighth; null when there were no responses.</returns>
    public TimeSpan? Quantile(double quantile)
    {
        // The balancer's own responses have no duration.
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

    /// <summary>What came since an earlier moment.</summary>
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

/// <summary>How many responses there were.</summary>
/// <param name="Responses">All of them.</param>
/// <param name="Errors">Those with a status from 500 on.</param>
internal readonly record struct ResponseCounts(long Responses, long Errors)
{
    /// <summary>The part of all responses that are errors, 0 to 1.</summary>
    public double ErrorShare => Responses == 0 ? 0 : Errors / (double)Responses;

    public static ResponseCounts operator +(ResponseCounts one, ResponseCounts other) => new(one.Responses + other.Responses, one.Errors + other.Errors);

    public static ResponseCounts operator -(ResponseCounts one, ResponseCounts other) => new(one.Responses - other.Responses, one.Errors - other.Errors);
}

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
