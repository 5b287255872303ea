using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Running;

/// <summary>Ctrl-C at the terminal where the AppHost runs, with orchestrator and dashboard.</summary>
public sealed class StopTests
{
    private const int Nodes = 2;

    // All that comes of the AppHost inherits it, the orchestrator and the dashboard too.
    private readonly (string Name, string Value) _mark = ("KIRO_STOP_TEST", Guid.NewGuid().ToString("N"));

    [Fact]
    public async Task Interrupt_OfTheAppHost_LeavesNoProcessAndNoPort()
    {
        // Balancer, nodes, and the dashboard's three: page, telemetry, resources.
        var ports = Enumerable.Range(FreePort.Range(Nodes + 4), Nodes + 4).ToList();
        await using var host = Start(ports);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[0]}") };
        await Eventually.BeTrue(async () => await HealthyAsync() == Nodes, "the nodes serve", 2 * Eventually.Patience);
        await Eventually.BeTrue(() => ports.TrueForAll(port => !FreePort.IsFree(port)), "every port is held");
        // AppHost, orchestrator, dashboard, balancer and nodes, at least.
        Assert.InRange(Left().Count, 4 + Nodes, int.MaxValue);

        var clock = Stopwatch.StartNew();
        ServiceProcess.SignalGroup(host.Id, "INT");

        Assert.Equal(0, await host.ExitCode());
        var prompt = clock.Elapsed;
        // The services are gone before; dashboard and orchestrator end by themselves.
        Assert.All(ports.Take(Nodes + 1), port => Assert.True(FreePort.IsFree(port), $"{port} is held"));
        await Eventually.BeTrue(() => Left().Count == 0, "no process is left");
        Assert.All(ports, port => Assert.True(FreePort.IsFree(port), $"{port} is held"));
        TestContext.Current.TestOutputHelper?.WriteLine($"The prompt was back after {prompt.TotalSeconds:0.0} s, all gone after {clock.Elapsed.TotalSeconds:0.0} s.");

        async Task<int> HealthyAsync() => (await http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken))
            .GetProperty("summary").GetProperty("healthy").GetInt32();
    }

    // In a group of its own, as a terminal makes one for what it starts: Ctrl-C is for all that is in it. Whoever runs the tests
    // in the background has told them to ignore it.
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

    private List<int> Left() => [.. Process.GetProcesses().Select(process => process.Id).Where(IsOfTheTest)];

    private bool IsOfTheTest(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/environ").Split('\0').Contains($"{_mark.Name}={_mark.Value}");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // It has just ended, or is somebody else's.
            return false;
        }
    }
}
