using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>
/// What came through lately, of a node or of all: over 10 s, over 5 min, and in points of 10 s each. Fed once a second by
/// <see cref="TrafficWatch"/>, under its lock.
/// </summary>
/// <param name="maxPoints">How many points are kept.</param>
internal sealed class TrafficHistory(int maxPoints)
{
    /// <summary>Seconds from one point to the next.</summary>
    public const int PointSeconds = 10;

    private const int LongSampleSeconds = 30;

    private readonly TrafficWindow _short = new(10);
    private readonly TrafficWindow _long = new(5 * 60 / LongSampleSeconds + 1);
    private readonly Queue<TrafficPoint> _points = new();
    private TrafficCounts _atPoint = TrafficCounts.None;
    private int _seconds;

    /// <summary>Since the node is known, or the balancer runs.</summary>
    public TrafficCounts Total { get; private set; } = TrafficCounts.None;

    public TrafficCounts Last10Seconds => _short.Until(Total);

    /// <summary>Up to half a minute more.</summary>
    public TrafficCounts Last5Minutes => _long.Until(Total);

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<TrafficPoint> Points => [.. _points];

    /// <summary>By which a node is judged.</summary>
    public RecentResponses Recent { get; } = new();

    /// <summary>To be called once a second.</summary>
    /// <returns>Whether a point is complete.</returns>
    public bool Sample(TrafficCounts now)
    {
        if (_seconds % LongSampleSeconds == 0)
        {
            _long.Add(Total);
        }

        _short.Add(Total);
        Total = now;
        if (++_seconds % PointSeconds != 0)
        {
            return false;
        }

        var since = now == _atPoint ? TrafficCounts.None : now.Since(_atPoint);
        _atPoint = now;
        _points.Enqueue(new TrafficPoint(since.Responses, since.Errors, since.Quantile(0.99)));
        if (_points.Count > maxPoints)
        {
            _points.Dequeue();
        }

        return true;
    }
}

/// <summary>Ten seconds of traffic.</summary>
/// <param name="Responses">All responses.</param>
/// <param name="Errors">Those with a status from 500 on.</param>
/// <param name="P99">What 99 in 100 took at most; null when there were none.</param>
internal readonly record struct TrafficPoint(long Responses, long Errors, TimeSpan? P99);

/// <summary>What was counted over the last while, from a sample every so often; in fixed memory. Not safe for several threads.</summary>
/// <param name="samples">How many samples the while has.</param>
internal sealed class TrafficWindow(int samples)
{
    private readonly Queue<TrafficCounts> _samples = new(samples + 1);

    /// <summary>Takes the counts of this moment in.</summary>
    public void Add(TrafficCounts now)
    {
        _samples.Enqueue(now);
        if (_samples.Count > samples)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>What was counted since the oldest sample.</summary>
    public TrafficCounts Until(TrafficCounts now) => _samples.TryPeek(out var oldest) ? now.Since(oldest) : now;
}

/// <summary>
/// The responses by which a node is judged: those of the last ten seconds, or as far back as it takes to have
/// <see cref="Outliers.MinResponses"/>, but no more than five minutes, and none from before the node last came up. So a verdict
/// ends with the trouble, however few requests come. Fed once a second, in fixed memory: about thirty samples at most.
/// </summary>
internal sealed class RecentResponses
{
    private const int Seconds = 10;
    private const int MaxSeconds = 300;

    // What was counted up to a second, for seconds that brought something. Oldest first.
    private readonly List<(int Second, ResponseCounts Total)> _samples = [];
    private TimeSpan? _upSince;
    private ResponseCounts _last;
    private int _second;

    /// <summary>What counts now.</summary>
    public ResponseCounts Counts { get; private set; }

    /// <summary>Since when they are such that the node is failing; null when they are not.</summary>
    public DateTimeOffset? FailingSince { get; private set; }

    /// <summary>To be called once a second.</summary>
    /// <param name="total">All responses of the node.</param>
    /// <param name="upSince">When it came up, by any clock; null while it is not up.</param>
    /// <param name="now">The time of day.</param>
    public void Sample(ResponseCounts total, TimeSpan? upSince, DateTimeOffset now)
    {
        if (_samples.Count == 0 || upSince != _upSince)
        {
            _upSince = upSince;
            _samples.Clear();
            _samples.Add((_second, _last));
        }

        _second++;
        if (total != _last)
        {
            _last = total;
            _samples.Add((_second, total));
        }

        while (_samples.Count > 1 && IsEnough(total, _samples[1]))
        {
            _samples.RemoveAt(0);
        }

        Counts = total - _samples[0].Total;
        FailingSince = Outliers.IsFailing(Counts) ? FailingSince ?? now : null;
    }

    private bool IsEnough(ResponseCounts total, (int Second, ResponseCounts Total) since) =>
        _second - since.Second >= MaxSeconds
        || (_second - since.Second >= Seconds && (total - since.Total).Responses >= Outliers.MinResponses);
}
