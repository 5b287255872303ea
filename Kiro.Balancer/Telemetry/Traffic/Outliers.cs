using System.Globalization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>Finds backends with more errors or slower responses than the others.</summary>
internal static class Outliers
{
    /// <summary>Fewer responses are not significant.</summary>
    public const int MinResponses = 20;

    /// <summary>The error rate of an outlier, if that of the others is less than half as high.</summary>
    private const double Errors = 0.1;

    /// <summary>An outlier is slower than the others by this factor...</summary>
    private const double Slow = 3;

    /// <summary>... and slower than this.</summary>
    private static readonly TimeSpan MinSlow = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether a backend's error rate is an outlier.</summary>
    /// <param name="node">Its responses.</param>
    /// <param name="others">The responses of all other backends.</param>
    /// <param name="share">The minimum error rate of an outlier, 0 to 1.</param>
    public static bool IsOutlier(ResponseCounts node, ResponseCounts others, double share = Errors) =>
        node.Responses >= MinResponses && node.ErrorShare >= share && others.ErrorShare < node.ErrorShare / 2;

    /// <summary>Whether a backend is failing, regardless of the others.</summary>
    public static bool IsFailing(ResponseCounts node) => node.Responses >= MinResponses && node.ErrorShare >= Errors;

    /// <summary>Why a backend is failing.</summary>
    public static string Fault(ResponseCounts node) => $"{Percent(node)} of its responses are errors (5xx)";

    /// <summary>Describes the outliers.</summary>
    /// <param name="nodes">All backends with their names and traffic.</param>
    public static IEnumerable<string> Describe(IReadOnlyList<(string Name, TrafficReading Traffic)> nodes)
    {
        var all = nodes.Aggregate(default(ResponseCounts), (sum, node) => sum + node.Traffic.Recent);
        var windows = nodes.Select(node => Window(node.Traffic)).ToList();
        var durations = TrafficCounts.Sum(windows);
        var outliers = 0;
        foreach (var ((name, traffic), window) in nodes.Zip(windows))
        {
            var others = all - traffic.Recent;
            if (IsOutlier(traffic.Recent, others))
            {
                outliers++;
                yield return Invariant($"{Percent(traffic.Recent)} of the responses from {name} are errors (5xx){(others.Responses > 0 ? $", compared with {100 * others.ErrorShare:0.#} % from the other nodes" : "")}.");
            }

            if (IsSlow(window, durations.Since(window)) is { } slow && IsStillSlow(traffic, slow.Others))
            {
                var (one, name99) = slow.Quantile < 0.99 ? (Invariant($"{1 / (1 - slow.Quantile):0}"), "") : ("a hundred", " (p99)");
                yield return Invariant($"{name} is slow: one request in {one} takes longer than {Format(slow.Node)}, on the other nodes {Format(slow.Others)}{name99}.");
            }
        }

        if (outliers == 0 && nodes.Count > 1 && IsFailing(all))
        {
            yield return Invariant($"{Percent(all)} of all responses are errors (5xx), and no node stands out.");
        }
    }

    private static string Percent(ResponseCounts counts) => Invariant($"{100 * counts.ErrorShare:0} %");

    // The last ten seconds if they are significant, else the last five minutes.
    private static TrafficCounts Window(TrafficReading traffic) =>
        traffic.Last10Seconds.Responses >= MinResponses ? traffic.Last10Seconds : traffic.Last5Minutes;

    private static (double Quantile, TimeSpan Node, TimeSpan Others)? IsSlow(TrafficCounts node, TrafficCounts others)
    {
        if (node.Responses < MinResponses || others.Responses < MinResponses)
        {
            return null;
        }

        // With few responses the p99 is the slowest one, which may be chance: require two.
        var quantile = node.Responses < 100 ? 1 - (1.5 / node.Responses) : 0.99;
        return node.Quantile(quantile) is { } here && others.Quantile(quantile) is { } there && IsSlow(here, there) ? (quantile, here, there) : null;
    }

    private static bool IsSlow(TimeSpan here, TimeSpan there) => here > MinSlow && here > Slow * there;

    // With little traffic, the five minutes include problems that are over: check the newest responses, too.
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

    private static string Format(TimeSpan duration) => duration.TotalSeconds >= 1
        ? Invariant($"{duration.TotalSeconds:0.0} s")
        : Invariant($"{duration.TotalMilliseconds:0} ms");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
