using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>
/// Recent traffic of a backend, or of all: over 10 s, over 5 min, and as a series with points of 10 s. <see cref="TrafficWatch"/> samples it once a
/// second under its lock.
/// </summary>
/// <param name="maxPoints">Maximum number of points.</param>
internal sealed class TrafficHistory(int maxPoints)
{
    /// <summary>Seconds between two points.</summary>
    public const int PointSeconds = 10;

    private const int LongSampleSeconds = 30;

    private readonly TrafficWindow _short = new(10);
    private readonly TrafficWindow _long = new(5 * 60 / LongSampleSeconds + 1);
    private readonly Queue<TrafficPoint> _points = new();
    private TrafficCounts _atPoint = TrafficCounts.None;
    private int _seconds;

    /// <summary>Everything counted so far.</summary>
    public TrafficCounts Total { get; private set; } = TrafficCounts.None;

    public TrafficCounts Last10Seconds => _short.Until(Total);

    /// <summary>May include up to 30 s more.</summary>
    public TrafficCounts Last5Minutes => _long.Until(Total);

    public IReadOnlyList<TrafficPoint> Points => [.. _points];

    /// <summary>The responses by which a backend is judged.</summary>
    public RecentResponses Recent { get; } = new();

    /// <summary>Must be called once a second.</summary>
    /// <returns>Whether a point was completed.</returns>
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

/// <summary>A point of the series.</summary>
/// <param name="Responses">All responses.</param>
/// <param name="Errors">Responses with status 5xx.</param>
/// <param name="P99">The 99th percentile of the time to the response; null without responses.</param>
internal readonly record struct TrafficPoint(long Responses, long Errors, TimeSpan? P99);

/// <summary>A sliding window over counters, in fixed memory. Not thread-safe.</summary>
/// <param name="samples">The length of the window in samples.</param>
internal sealed class TrafficWindow(int samples)
{
    private readonly Queue<TrafficCounts> _samples = new(samples + 1);

    /// <summary>Adds a sample.</summary>
    public void Add(TrafficCounts now)
    {
        _samples.Enqueue(now);
        if (_samples.Count > samples)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>The counts since the oldest sample.</summary>
    public TrafficCounts Until(TrafficCounts now) => _samples.TryPeek(out var oldest) ? now.Since(oldest) : now;
}

/// <summary>
/// The responses by which a backend is judged: of the last ten seconds, or as far back as <see cref="Outliers.MinResponses"/> requires, but at most
/// five minutes, and not from before it last came up. So a verdict ends with the trouble even if traffic is low. Sampled once a second, in fixed
/// memory: about thirty samples.
/// </summary>
internal sealed class RecentResponses
{
    private const int Seconds = 10;
    private const int MaxSeconds = 300;

    // Totals at the seconds that brought responses, oldest first.
    private readonly List<(int Second, ResponseCounts Total)> _samples = [];
    private TimeSpan? _upSince;
    private ResponseCounts _last;
    private int _second;

    public ResponseCounts Counts { get; private set; }

    /// <summary>Since when the backend has been failing; null if it is not.</summary>
    public DateTimeOffset? FailingSince { get; private set; }

    /// <summary>Must be called once a second.</summary>
    /// <param name="total">All responses of the backend.</param>
    /// <param name="upSince">When it came up, by any clock; null if it is not up.</param>
    /// <param name="now">The current time.</param>
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
