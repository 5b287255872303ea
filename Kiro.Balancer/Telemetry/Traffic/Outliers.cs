using System.Globalization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

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
