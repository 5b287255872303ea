using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>Kiro's goals compared with the results of this run.</summary>
internal static class Goals
{
    private const double MaxMegabytes = 60;

    public static TextTable Of(IReadOnlyList<ScenarioResult> results)
    {
        var table = new TextTable("goal", "bound", "this run", "met");
        foreach (var result in results)
        {
            if (result.Scenario.Kind != LoadKind.Plain)
            {
                AtMost(table, $"processor time per request, {result.Scenario.Name}, to Caddy", 1, Ratio(result, "caddy", Figures.Processor));
                continue;
            }

            AtMost(table, $"processor time per request, {result.Scenario.Name}, to nginx", 1, Ratio(result, "nginx", Figures.Processor));
            AtMost(table, "the same, to HAProxy", 1, Ratio(result, "haproxy", Figures.Processor));
        }

        var load = Find(results, Scenarios.EqualLoad);
        AtMost(table, "p99 at equal load, to nginx", 1, Ratio(load, "nginx", Figures.P99));
        AtMost(table, "p99 at equal load, to HAProxy", 1, Ratio(load, "haproxy", Figures.P99));
        AtMost(table, "peak MB at 1,024 connections", MaxMegabytes, Find(results, Scenarios.ManyConnections)?.Of("kiro")?.Typical(Figures.PeakMegabytes));
        AtMost(table, "the same, Native AOT", MaxMegabytes, Find(results, Scenarios.ManyConnections)?.Of("kiro-aot")?.Typical(Figures.PeakMegabytes));
        AtMost(table, "peak memory with 9,000 idle connections, to nginx", 2, Ratio(Find(results, Scenarios.Idle), "nginx", Figures.PeakMegabytes));
        return table;
    }

    private static void AtMost(TextTable table, string goal, double bound, double? seen) =>
        table.Add(goal, $"≤ {Figures.Text(bound)}", Figures.Text(seen), Met(seen is null ? null : seen <= bound));

    private static string Met(bool? met) => met switch { true => "yes", false => "no", null => "not measured" };

    private static ScenarioResult? Find(IReadOnlyList<ScenarioResult> results, string name) =>
        results.FirstOrDefault(result => result.Scenario.Name == name);

    private static double? Ratio(ScenarioResult? result, string other, Func<Measurement, double> figure) =>
        result?.Of("kiro")?.Ratio(result.Of(other), figure);
}
