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
