using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

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
