using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>All scenarios, one after the other: every proxy starts anew, and they take turns.</summary>
internal sealed class Benchmark(BenchOptions options, IReadOnlyList<Proxy> proxies, BackendServers backends, Cores cores, string directory)
{
    // Connections and buffers.
    private static readonly TimeSpan WarmUpOfCompiled = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _longestWarmUp = TimeSpan.FromSeconds(options.IsQuick ? 12 : 30);

    public IEnumerable<ScenarioResult> Run()
    {
        foreach (var scenario in Scenarios.All)
        {
            if (options.Scenarios.Count == 0 || options.Scenarios.Contains(scenario.Name))
            {
                yield return Run(scenario);
            }
        }
    }

    private ScenarioResult Run(Scenario scenario)
    {
        var rows = proxies.Select(proxy => new Row(proxy)).ToArray();
        var running = new Dictionary<Row, RunningProxy>();
        if (scenario.UsesAllCores)
        {
            cores.Share(Environment.ProcessId, backends.ProcessId);
        }

        try
        {
            foreach (var row in rows)
            {
                Try(row, scenario, () =>
                {
                    running[row] = Start(row.Proxy, scenario);
                    WarmUp(running[row], row.Proxy, scenario);
                });
            }

            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var row in Turns.Of(rows, round).Where(row => row.Failure is null))
                {
                    Try(row, scenario, () => row.Add(round, running[row].Measure(options.Window)));
                }
            }
        }
        finally
        {
            foreach (var proxy in running.Values)
            {
                proxy.Dispose();
            }

            if (scenario.UsesAllCores)
            {
                cores.StepAside(Environment.ProcessId, backends.ProcessId);
            }
        }

        return new ScenarioResult(scenario, rows);
    }

    private RunningProxy Start(Proxy proxy, Scenario scenario)
    {
        var site = new ProxySite(
            FreePorts.Take(1)[0], backends.Ports, Path.Combine(directory, scenario.Name, proxy.Name), scenario.Clients,
            scenario.UsesAllCores ? cores.Count : 1);
        Directory.CreateDirectory(site.Directory);
        return new RunningProxy(proxy, site, scenario, options.Rate, cores);
    }

    private void WarmUp(RunningProxy running, Proxy proxy, Scenario scenario)
    {
        var (took, isOver) = running.WarmUp(proxy.CompilesWhileRunning ? _longestWarmUp : WarmUpOfCompiled);
        Console.WriteLine($"{proxy.Title}, {scenario.Name}: warmed up for {took.TotalSeconds:0} s{(isOver || !proxy.CompilesWhileRunning ? "" : ", and its requests may still get cheaper")}");
    }

    // One proxy's trouble is no reason to lose the others' figures.
    private static void Try(Row row, Scenario scenario, Action act)
    {
        try
        {
            act();
        }
        catch (Exception problem) when (problem is InvalidOperationException or IOException or HttpRequestException
            or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            row.Failure = problem.Message;
            Console.Error.WriteLine($"{row.Proxy.Title}, {scenario.Name}: {problem.Message}");
        }
    }
}
