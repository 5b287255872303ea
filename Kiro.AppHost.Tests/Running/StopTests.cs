using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Running;

/// <summary>Ctrl-C in the terminal of the AppHost, with orchestrator and dashboard.</summary>
public sealed class StopTests
{
    private const int Nodes = 2;

    // Inherited by every process that the AppHost starts, including the orchestrator and the dashboard.
    private readonly (string Name, string Value) _mark = ("KIRO_STOP_TEST", Guid.NewGuid().ToString("N"));

    [Fact]
    public async Task Interrupt_OfTheAppHost_LeavesNoProcessAndNoOpenPort()
    {
        // Balancer, nodes, and three for the dashboard: frontend, OTLP, resource service.
        var ports = Enumerable.Range(FreePort.Range(Nodes + 4), Nodes + 4).ToList();
        await using var host = Start(ports);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[0]}") };
        await Eventually.BeTrue(async () => await HealthyAsync() == Nodes, "the nodes are healthy", 2 * Eventually.Patience);
        await Eventually.BeTrue(() => ports.TrueForAll(port => !FreePort.IsFree(port)), "every port is in use");
        // At least AppHost, orchestrator, dashboard, balancer and nodes.
        Assert.InRange(Remaining().Count, 4 + Nodes, int.MaxValue);

        var clock = Stopwatch.StartNew();
        ServiceProcess.SignalGroup(host.Id, "INT");

        Assert.Equal(0, await host.ExitCode());
        var exited = clock.Elapsed;
        // The services have stopped by then; the dashboard and the orchestrator exit on their own.
        Assert.All(ports.Take(Nodes + 1), port => Assert.True(FreePort.IsFree(port), $"{port} is in use"));
        await Eventually.BeTrue(() => Remaining().Count == 0, "no process is left running");
        Assert.All(ports, port => Assert.True(FreePort.IsFree(port), $"{port} is in use"));
        TestContext.Current.TestOutputHelper?.WriteLine($"The AppHost exited after {exited.TotalSeconds:0.0} s, everything else after {clock.Elapsed.TotalSeconds:0.0} s.");

        async Task<int> HealthyAsync() => (await http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken))
            .GetProperty("summary").GetProperty("healthy").GetInt32();
    }

    // In a process group of its own, as in a terminal, because Ctrl-C signals the whole group. A test run in the
    // background inherits SIGINT as ignored, hence --default-signal.
    private ServiceProcess Start(List<int> ports) => new(
        Directory.CreateTempSubdirectory("kiro-test-").FullName, ["env", "--default-signal=INT", "setsid"], "Kiro.AppHost", new Dictionary<string, string>
        {
            [_mark.Name] = _mark.Value,
            ["BALANCER_PORT"] = Text(ports[0]),
            ["START_PORT"] = Text(ports[1]),
            ["INSTANCE_COUNT"] = Text(Nodes),
            ["SPARE_COUNT"] = "0",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = $"http://localhost:{ports[^3]}",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
            ["AppHost__OtlpApiKey"] = _mark.Value,
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://localhost:{ports[^2]}",
            ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://localhost:{ports[^1]}",
        });

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private List<int> Remaining() => [.. Process.GetProcesses().Select(process => process.Id).Where(BelongsToTest)];

    private bool BelongsToTest(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/environ").Split('\0').Contains($"{_mark.Name}={_mark.Value}");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The process has just exited or belongs to another user.
            return false;
        }
    }
}
