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

    /// <summary>The last ten seconds if they say enough, else the last five minutes.</summary>
    public static TrafficCounts Window(TrafficReading traffic) =>
        traffic.Last10Seconds.Responses >= MinResponses ? traffic.Last10Seconds : traffic.Last5Minutes;

    /// <summary>Whether a node has far more errors than the others have together.</summary>
    /// <param name="node">Its responses.</param>
    /// <param name="others">Those of all other nodes.</param>
    /// <param name="share">The part of its responses, 0 to 1, from which on it counts.</param>
    public static bool Fails(TrafficCounts node, TrafficCounts others, double share = Errors) =>
        node.Responses >= MinResponses && node.ErrorShare >= share && others.ErrorShare < node.ErrorShare / 2;

    /// <summary>What is wrong with a node's responses, whatever the others' are like; null when nothing is.</summary>
    public static string? Fault(TrafficReading traffic) => Window(traffic) is var counts && counts.Responses >= MinResponses && counts.ErrorShare >= Errors
        ? Invariant($"it answers {100 * counts.ErrorShare:0} % of its requests with an error (5xx)") : null;

    /// <summary>What stands out, in plain words.</summary>
    /// <param name="nodes">Every node, as it is called, with its traffic.</param>
    public static IEnumerable<string> Describe(IReadOnlyList<(string Name, TrafficReading Traffic)> nodes)
    {
        var windows = nodes.Select(node => (node.Name, Counts: Window(node.Traffic))).ToList();
        var all = TrafficCounts.Sum(windows.Select(node => node.Counts));
        var stands = 0;
        foreach (var (name, counts) in windows)
        {
            var others = all.Since(counts);
            if (Fails(counts, others))
            {
                stands++;
                yield return Invariant($"{name} answers {100 * counts.ErrorShare:0} % of its requests with an error (5xx), the other nodes {100 * others.ErrorShare:0.#} %.");
            }

            if (IsSlow(counts, others) is { } slow)
            {
                yield return Invariant($"{name} is slow: one request in a hundred takes longer than {Shown(slow.Node)}, on the other nodes {Shown(slow.Others)} (p99).");
            }
        }

        if (stands == 0 && all.Responses >= MinResponses && all.ErrorShare >= Errors)
        {
            yield return Invariant($"{100 * all.ErrorShare:0} % of all requests are answered with an error (5xx), by no node more than by the others.");
        }
    }

    private static (TimeSpan Node, TimeSpan Others)? IsSlow(TrafficCounts node, TrafficCounts others) =>
        node.Responses >= MinResponses && others.Responses >= MinResponses
        && node.Quantile(0.99) is { } here && others.Quantile(0.99) is { } there
        && here > Noticed && here > Slow * there
            ? (here, there)
            : null;

    private static string Shown(TimeSpan duration) => duration.TotalSeconds >= 1
        ? Invariant($"{duration.TotalSeconds:0.0} s")
        : Invariant($"{duration.TotalMilliseconds:0} ms");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
