using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>Runs all scenarios: every proxy is started afresh, and they take turns.</summary>
internal sealed class Benchmark(BenchOptions options, IReadOnlyList<Proxy> proxies, BackendServers backends, Cores cores, string published, string directory)
{
    // For connections and buffers.
    private static readonly TimeSpan WarmUpOfCompiled = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _longestWarmUp = TimeSpan.FromSeconds(options.IsQuick ? 12 : 30);

    private readonly Lazy<SiteCertificate> _certificate = new(() => SiteCertificate.Write(directory));

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
        var rows = proxies.Select(proxy => new Row(proxy) { Failure = (scenario.Kind == LoadKind.Plain && !scenario.HasTlsNodes) || proxy.HasTls ? null : "not set up for this" }).ToArray();
        var running = new Dictionary<Row, RunningProxy>();
        using var grpc = scenario.Kind == LoadKind.Grpc ? new GrpcServers(published, Path.Combine(directory, "grpc"), cores) : null;
        if (scenario.UsesAllCores)
        {
            cores.Share(Environment.ProcessId, backends.ProcessId);
        }

        try
        {
            foreach (var row in rows.Where(row => row.Failure is null))
            {
                Try(row, scenario, () =>
                {
                    running[row] = Start(row.Proxy, scenario, grpc?.Ports ?? (scenario.HasTlsNodes ? backends.TlsPorts : backends.Ports));
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

    private RunningProxy Start(Proxy proxy, Scenario scenario, IReadOnlyList<int> nodes)
    {
        var site = new ProxySite(
            FreePorts.Take(1)[0], nodes, Path.Combine(directory, scenario.Name, proxy.Name), scenario.Clients,
            scenario.UsesAllCores ? cores.Count : 1)
        {
            Tls = scenario.Kind == LoadKind.Plain ? null : _certificate.Value,
            NodeTls = scenario.HasTlsNodes ? backends.Certificate : null,
            IsGrpc = scenario.Kind == LoadKind.Grpc,
        };
        Directory.CreateDirectory(site.Directory);
        return new RunningProxy(proxy, site, scenario, options.Rate, cores);
    }

    private void WarmUp(RunningProxy running, Proxy proxy, Scenario scenario)
    {
        var (took, isOver) = running.WarmUp(proxy.CompilesWhileRunning ? _longestWarmUp : WarmUpOfCompiled);
        Console.WriteLine($"{proxy.Title}, {scenario.Name}: warmed up for {took.TotalSeconds:0} s{(isOver || !proxy.CompilesWhileRunning ? "" : ", and requests may still become cheaper")}");
    }

    // A failing proxy must not affect the results of the others.
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

internal static class Turns
{
    /// <summary>The order of a round, rotated so that no proxy always follows the same one.</summary>
    public static IEnumerable<T> Of<T>(IReadOnlyList<T> all, int round) =>
        Enumerable.Range(0, all.Count).Select(turn => all[(turn + round) % all.Count]);
}
