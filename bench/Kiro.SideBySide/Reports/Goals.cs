using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>What Kiro wants to reach, against what this run has shown.</summary>
internal static class Goals
{
    public static TextTable Of(IReadOnlyList<ScenarioResult> results)
    {
        var table = new TextTable("goal", "bound", "this run", "met");
        var (main, load) = (Find(results, Scenarios.Main), Find(results, Scenarios.EqualLoad));
        AtMost(table, "processor time per request, small GET, 64 connections, to bare YARP", 0.55, Ratio(main, "yarp", Figures.Processor));
        AtMost(table, "the same, to nginx", 1.6, Ratio(main, "nginx", Figures.Processor));
        AtMost(table, "p99 at equal load, to Caddy", 1, Ratio(load, "caddy", Figures.P99));
        AtMost(table, "p99 at equal load, to Node", 1, Ratio(load, "node", Figures.P99));
        AtMost(table, "peak MB at 1,024 connections", 150, Find(results, Scenarios.ManyConnections)?.Of("kiro")?.Typical(Figures.PeakMegabytes));
        var big = Ratio(Find(results, Scenarios.Megabyte), "nginx", Figures.PerSecond);
        table.Add("throughput with 1 MB answers, to nginx", "≥ 0.80", Figures.Text(big), Met(big is null ? null : big >= 0.8));
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
