using System.Diagnostics;
using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Measuring;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;
using Kiro.SideBySide.Reports;

namespace Kiro.SideBySide;

/// <summary>One run, from the command line to the report.</summary>
internal static class SideBySideRun
{
    /// <returns>0 when it has something to report.</returns>
    public static int Start(string benchFolder, string published, IReadOnlyList<string> arguments)
    {
        var all = AllProxies.In(benchFolder, published);
        try
        {
            var options = BenchOptions.Parse(arguments, all.Select(proxy => proxy.Name));
            var chosen = all.Where(proxy => options.Only.Count == 0 || options.Only.Contains(proxy.Name)).ToLookup(proxy => proxy.Missing());
            foreach (var missing in chosen.Where(group => group.Key is not null))
            {
                Console.WriteLine($"without {string.Join(", ", missing.Select(proxy => proxy.Title))}: {missing.Key}");
            }

            return Measure(options, [.. chosen[null]], published, options.IsWhole && !AllProxies.HasBase(published) ? benchFolder : published, CommitOf(benchFolder));
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidOperationException)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
    }

    private static string CommitOf(string folder) =>
        Programs.Find("git") is { } git ? Programs.FirstLine(git, "-C", folder, "describe", "--always", "--dirty", "--exclude", "*") : "unknown";

    private static int Measure(BenchOptions options, IReadOnlyList<Proxy> proxies, string published, string output, string commit)
    {
        var started = Stopwatch.GetTimestamp();
        var cores = Cores.OfThisProcess();
        cores.StepAside(Environment.ProcessId);
        var directory = Directory.CreateTempSubdirectory("kiro-bench-").FullName;
        var results = new List<ScenarioResult>();
        try
        {
            using var backends = new BackendServers(Directory.CreateDirectory(Path.Combine(directory, "backends")).FullName, cores);
            foreach (var result in new Benchmark(options, proxies, backends, cores, published, directory).Run())
            {
                results.Add(result);
                Console.WriteLine($"\n{MarkdownReport.Title(result.Scenario, options)} ({result.Scenario.Name})\n{ScenarioTable.Of(result).ToTerminal()}");
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        File.WriteAllText(Path.Combine(output, "results.svg"), BarChart.Write(results));
        File.WriteAllText(Path.Combine(output, "results.md"), MarkdownReport.Write(results, proxies, options, cores, commit, "results.svg"));
        Console.WriteLine($"{Goals.Of(results).ToTerminal()}\nwritten: {output}/results.md and results.svg, after {Stopwatch.GetElapsedTime(started).TotalMinutes:0.0} min");
        return 0;
    }
}
