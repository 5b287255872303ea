using System.Diagnostics;
using System.Globalization;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Fleet;

/// <summary>Measures the cost of a fleet change for one balancer.</summary>
internal static class Costs
{
    private const int Repeats = 200;

    public static IReadOnlyList<(string What, string Cost)> Measure(FleetSize size)
    {
        var nodes = Enumerable.Range(0, size.Nodes + 1).Select(number => new SimulatedNode(number).Endpoint).ToList();
        var registry = new BackendRegistry(new HashingOptions(HashingOptions.DefaultSeed, 32, 64), TimeProvider.System, NullLogger<BackendRegistry>.Instance);
        registry.SetMembers(nodes[..^1]);
        foreach (var known in registry.Current.Backends)
        {
            registry.Probed(known.Backend, Passed);
        }

        registry.Current.Selector.Ranking.Ready.Wait();
        var node = registry.Current.Backends[0].Backend;
        var candidates = nodes.Select(endpoint => new Candidate(endpoint.Id, 1)).ToList();
        var (all, filled) = Fill(candidates, null);
        var (_, filledLess) = Fill(candidates[1..], all);
        var (_, filledMore) = Fill([.. candidates, new Candidate("one-more:80", 1)], all);
        var list = string.Join('\n', nodes.Take(size.Nodes).Select(endpoint => endpoint.Id));
        return
        [
            ("a probe that confirms what is known", Micro(Time(() => registry.Probed(node, Passed)))),
            ("a node goes down, and comes back", Micro(Time(() =>
            {
                registry.MarkDown(node, "connection refused");
                registry.Probed(node, Passed);
                registry.Probed(node, Passed);
            }))),
            ("discovery names the same nodes", Micro(Time(() => registry.SetMembers(nodes[..^1])))),
            ("discovery names one node more", Micro(Time(() => registry.SetMembers(registry.Current.Backends.Count > size.Nodes ? nodes[..^1] : nodes)))),
            ("the table of all slots is filled, in the background", $"{filled.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s, 2 MiB"),
            ("the same after one node came, or left", $"{Milli(filledMore)}, {Milli(filledLess)}"),
            ($"a list of {size.Nodes:N0} nodes", $"{Encoding.UTF8.GetByteCount(list) / 1000.0:0.0} KB"),
        ];
    }

    private static ProbeResult Passed { get; } = new(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null);

    private static (Rendezvous Ranking, TimeSpan Time) Fill(IReadOnlyList<Candidate> candidates, Rendezvous? before)
    {
        var start = Stopwatch.GetTimestamp();
        var ranking = new Rendezvous(candidates, HashingOptions.DefaultSeed, before: before);
        ranking.Ready.Wait();
        return (ranking, Stopwatch.GetElapsedTime(start));
    }

    private static TimeSpan Time(Action change)
    {
        var times = new List<TimeSpan>();
        for (var turn = 0; turn < Repeats; turn++)
        {
            var start = Stopwatch.GetTimestamp();
            change();
            times.Add(Stopwatch.GetElapsedTime(start));
        }

        times.Sort();
        return times[Repeats / 2];
    }

    private static string Milli(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:N0} ms");

    private static string Micro(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:N0} µs");
}
