using System.Text;
using Kiro.SideBySide.Measuring;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Reports;

/// <summary>The report of a run.</summary>
internal static class MarkdownReport
{
    public static string Write(
        IReadOnlyList<ScenarioResult> results, IReadOnlyList<Proxy> proxies, BenchOptions options, Cores cores, string commit, string chart)
    {
        var page = new StringBuilder()
            .AppendLine("# Results").AppendLine()
            .AppendLine(null, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, commit {commit}; written by `bench/run`, which repeats it; [README.md](README.md) says how it measures.")
            .AppendLine(null, $"{options.Rounds} rounds of {options.Seconds} s for each proxy and scenario, taking turns; medians over the rounds.").AppendLine()
            .AppendLine(null, $"![Processor time per request, nginx = 1]({chart})").AppendLine()
            .AppendLine("## Goals").AppendLine().AppendLine(Goals.Of(results).ToMarkdown())
            .AppendLine("## Ratios to nginx").AppendLine()
            .AppendLine("Processor time per request; less is better:").AppendLine()
            .AppendLine(RatioTable.Of(results, Figures.Processor).ToMarkdown())
            .AppendLine("Requests per second; more is better:").AppendLine()
            .AppendLine(RatioTable.Of(results, Figures.PerSecond).ToMarkdown())
            .AppendLine("99th percentile of the latency; less is better. At full load it says little beyond the throughput; at equal load it counts:").AppendLine()
            .AppendLine(RatioTable.Of(results, Figures.P99).ToMarkdown())
            .AppendLine("## Machine and versions").AppendLine();
        foreach (var line in Machine.Describe(cores).Concat(proxies.Select(proxy => $"{proxy.Title}: {proxy.Version()}")))
        {
            page.AppendLine(null, $"- {line}");
        }

        page.AppendLine().AppendLine("## Absolute figures").AppendLine()
            .AppendLine("They are this machine's on that day, and noise moves them all together: \"its range\" shows how far the rounds'")
            .AppendLine("ratios lie apart. Where \"core busy\" is well below 100 %, load or backends were the limit, not the proxy.").AppendLine();
        foreach (var result in results)
        {
            page.AppendLine(null, $"### {Title(result.Scenario, options)} (`{result.Scenario.Name}`)").AppendLine()
                .AppendLine(ScenarioTable.Of(result).ToMarkdown());
        }

        return page.ToString().TrimEnd() + "\n";
    }

    public static string Title(Scenario scenario, BenchOptions options) =>
        scenario.IsPaced ? $"{scenario.Title}: {options.Rate:#,0} requests/s" : scenario.Title;
}

/// <summary>One figure of all scenarios, relative to the reference.</summary>
internal static class RatioTable
{
    public static TextTable Of(IReadOnlyList<ScenarioResult> results, Func<Measurement, double> figure)
    {
        var table = new TextTable([.. results.Select(result => result.Scenario.Name).Prepend("proxy")]);
        for (var proxy = 0; proxy < results[0].Rows.Count; proxy++)
        {
            var rows = results.Select(result => (result.Rows[proxy], result.Reference));
            table.Add([results[0].Rows[proxy].Proxy.Title, .. rows.Select(row => Figures.Text(row.Item1.Ratio(row.Reference, figure)))]);
        }

        return table;
    }
}

/// <summary>One scenario's figures, absolute and in parts of the reference's.</summary>
internal static class ScenarioTable
{
    public static TextTable Of(ScenarioResult result)
    {
        var table = new TextTable("proxy", "µs processor/request", "× nginx", "its range", "requests/s", "× nginx", "p50 ms", "p99 ms", "p99.9 ms", "peak MB", "PSS MB", "core busy %", "note");
        foreach (var row in result.Rows)
        {
            table.Add(
                row.Proxy.Title,
                Figures.Text(row.Typical(Figures.Processor)),
                Figures.Text(row.Ratio(result.Reference, Figures.Processor)),
                Range(row, result.Reference),
                Figures.Text(row.Typical(Figures.PerSecond)),
                Figures.Text(row.Ratio(result.Reference, Figures.PerSecond)),
                Figures.Text(row.Typical(Figures.Median)),
                Figures.Text(row.Typical(Figures.P99)),
                Figures.Text(row.Typical(Figures.P999)),
                Figures.Text(row.Typical(Figures.PeakMegabytes)),
                Figures.Text(row.Typical(Figures.ProportionalMegabytes)),
                Figures.Text(row.Typical(Figures.BusyPercent)),
                row.Note);
        }

        return table;
    }

    private static string Range(Row row, Row? reference)
    {
        var ratios = reference is null ? [] : row.Ratios(reference, Figures.Processor);
        return ratios.Count == 0 ? "–" : $"{Figures.Text(ratios.Min())} … {Figures.Text(ratios.Max())}";
    }
}
