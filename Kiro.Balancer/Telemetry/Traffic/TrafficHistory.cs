using System.Globalization;
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

/// <summary>Tells which nodes' responses stand out from the others': errors, or how long they take.</summary>
internal static class Outliers
{
    /// <summary>Fewer responses than that say nothing.</summary>
    public const int MinResponses = 20;

    /// <summary>From here on a node's errors are worth a word, when the other nodes have less than half of it.</summary>
    private const double Errors = 0.1;

    /// <summary>So many times the other nodes' latency is slow...</summary>
    private const double Slow = 3;

    /// <summary>... when it is noticed at all.</summary>
    private static readonly TimeSpan Noticed = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether a node has far more errors than the others have together.</summary>
    /// <param name="node">Its responses.</param>
    /// <param name="others">Those of all other nodes.</param>
    /// <param name="share">The part of its responses, 0 to 1, from which on it counts.</param>
    public static bool Fails(ResponseCounts node, ResponseCounts others, double share = Errors) =>
        node.Responses >= MinResponses && node.ErrorShare >= share && others.ErrorShare < node.ErrorShare / 2;

    /// <summary>Whether a node's responses are such that it is failing, whatever the others' are like.</summary>
    public static bool IsFailing(ResponseCounts node) => node.Responses >= MinResponses && node.ErrorShare >= Errors;

    /// <summary>What is wrong with a node that is failing.</summary>
    public static string Fault(ResponseCounts node) => $"{Percent(node)} of its responses are errors (5xx)";

    /// <summary>What stands out, in plain words.</summary>
    /// <param name="nodes">Every node, as it is called, with its traffic.</param>
    public static IEnumerable<string> Describe(IReadOnlyList<(string Name, TrafficReading Traffic)> nodes)
    {
        var all = nodes.Aggregate(default(ResponseCounts), (sum, node) => sum + node.Traffic.Recent);
        var windows = nodes.Select(node => Window(node.Traffic)).ToList();
        var durations = TrafficCounts.Sum(windows);
        var stands = 0;
        foreach (var ((name, traffic), window) in nodes.Zip(windows))
        {
            var others = all - traffic.Recent;
            if (Fails(traffic.Recent, others))
            {
                stands++;
                yield return Invariant($"{Percent(traffic.Recent)} of the responses from {name} are errors (5xx){(others.Responses > 0 ? $", compared with {100 * others.ErrorShare:0.#} % from the other nodes" : "")}.");
            }

            if (IsSlow(window, durations.Since(window)) is { } slow && IsStillSlow(traffic, slow.Others))
            {
                var (one, name99) = slow.Quantile < 0.99 ? (Invariant($"{1 / (1 - slow.Quantile):0}"), "") : ("a hundred", " (p99)");
                yield return Invariant($"{name} is slow: one request in {one} takes longer than {Shown(slow.Node)}, on the other nodes {Shown(slow.Others)}{name99}.");
            }
        }

        if (stands == 0 && nodes.Count > 1 && IsFailing(all))
        {
            yield return Invariant($"{Percent(all)} of all responses are errors (5xx), and no node stands out.");
        }
    }

    private static string Percent(ResponseCounts counts) => Invariant($"{100 * counts.ErrorShare:0} %");

    // The last ten seconds if they say enough, else the last five minutes.
    private static TrafficCounts Window(TrafficReading traffic) =>
        traffic.Last10Seconds.Responses >= MinResponses ? traffic.Last10Seconds : traffic.Last5Minutes;

    private static (double Quantile, TimeSpan Node, TimeSpan Others)? IsSlow(TrafficCounts node, TrafficCounts others)
    {
        if (node.Responses < MinResponses || others.Responses < MinResponses)
        {
            return null;
        }

        // Of few responses the p99 is the slowest one, and one is chance: it takes two.
        var quantile = node.Responses < 100 ? 1 - (1.5 / node.Responses) : 0.99;
        return node.Quantile(quantile) is { } here && others.Quantile(quantile) is { } there && IsSlow(here, there) ? (quantile, here, there) : null;
    }

    private static bool IsSlow(TimeSpan here, TimeSpan there) => here > Noticed && here > Slow * there;

    // With little traffic five minutes remember for long what is over: the newest responses have a say, too.
    private static bool IsStillSlow(TrafficReading traffic, TimeSpan others)
    {
        var responses = 0L;
        foreach (var point in traffic.Points.Reverse())
        {
            if (point.P99 is { } p99 && IsSlow(p99, others))
            {
                return true;
            }

            responses += point.Responses;
            if (responses >= MinResponses)
            {
                return false;
            }
        }

        return true;
    }

    private static string Shown(TimeSpan duration) => duration.TotalSeconds >= 1
        ? Invariant($"{duration.TotalSeconds:0.0} s")
        : Invariant($"{duration.TotalMilliseconds:0} ms");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
