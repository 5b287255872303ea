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
