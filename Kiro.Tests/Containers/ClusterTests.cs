using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>docker-compose.cluster.yml: five fixed nodes.</summary>
[Collection(SharesDocker.Name)]
public sealed class ClusterTests
{
    private const string File = "docker-compose.cluster.yml";

    [Fact]
    public async Task Up_WithoutDatabase_IsHealthyAndTrustsOnlyTheBalancer()
    {
        await using var compose = await Compose.UpAsync(File, 5, withDatabase: false);
        foreach (var service in (string[])["balancer", "api-1", "api-2", "api-3", "api-4", "api-5"])
        {
            var container = await Compose.ContainerAsync(service);
            await Eventually.BeTrue(async () => await Docker.InspectAsync(container, "{{.State.Health.Status}}") == "healthy", $"{service} is healthy");
            Assert.Equal("true 1654", await Docker.InspectAsync(container, "{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}"));
        }

        using var http = new HttpClient { DefaultRequestHeaders = { { "X-Forwarded-For", "203.0.113.7" } } };
        var direct = await http.GetFromJsonAsync<JsonElement>("http://127.0.0.1:13006/api/client-ip", TestContext.Current.CancellationToken);
        Assert.Equal("api-3", direct.GetProperty("node").GetString());
        Assert.NotEqual("203.0.113.7", direct.GetProperty("ip").GetString());
        var health = await http.GetFromJsonAsync<JsonElement>("http://127.0.0.1:13004/health", TestContext.Current.CancellationToken);
        Assert.Equal("degraded", health.GetProperty("status").GetString());

        // Docker's NAT hides the clients, which the balancer warns of after enough requests.
        for (var request = 0; request < 100; request++)
        {
            await http.GetStringAsync(new Uri($"http://127.0.0.1:{compose.Port}/api/client-ip"), TestContext.Current.CancellationToken);
        }

        var warnings = (await compose.StatusAsync()).GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()!).ToList();
        Assert.Contains(warnings, warning => warning.StartsWith("172.31.13.1 sends X-Forwarded-For, but is not trusted", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.StartsWith("Every request so far came from 172.31.13.1", StringComparison.Ordinal));
        Report.WriteLine(await compose.RunAsync(30, "ps"));
        Assert.Contains("api-5 is listening on port 13008", await compose.RunAsync(30, "logs", "api-5"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kill_OneOfFive_FailsNoGetAndItsClientsReturn()
    {
        await using var compose = await Compose.UpAsync(File, 5);
        var victim = await Compose.ContainerAsync("api-3");
        await using var load = new Load(compose.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        Report.WriteLine("$ docker kill api-3");
        await Docker.RunAsync("kill", victim);
        await load.EveryClientAsync();
        await Docker.RunAsync("start", victim);
        await compose.StatesAsync(5);
        var home = load.Now;
        await load.EveryClientAsync();

        var report = new FaultReport(await load.StopAsync(), fault);
        var had = report.Before.Values.Count(node => node == "api-3");
        report.Note("docker kill of a node", had, "; the failures are POSTs that the node may have acted on");
        Assert.All(report.Failures, sample => Assert.StartsWith("POST 502", sample.Failure, StringComparison.Ordinal));
        Assert.True(report.Failures.Count <= Load.Connections, $"{report.Failures.Count} POSTs failed");
        Assert.Empty(report.MovedNeedlessly("api-3"));
        Assert.Equal(report.Before, report.After(home));
    }

    [Fact]
    public async Task Stop_Balancer_FinishesRequestsInFlight()
    {
        await using var compose = await Compose.UpAsync(File, 5);
        var balancer = await Compose.ContainerAsync("balancer");
        await using var load = new Load(compose.Port);
        await load.EveryClientAsync();
        using var http = new HttpClient();
        var slow = http.GetStringAsync(new Uri($"http://127.0.0.1:{compose.Port}/api/slow?ms=6000"), TestContext.Current.CancellationToken);
        await Load.For(1);
        var fault = load.Now;
        Report.WriteLine("$ docker stop -t 50 balancer");
        await Docker.RunAsync("stop", "-t", "50", balancer);
        await slow;
        Assert.Equal("0 false", await Docker.InspectAsync(balancer, "{{.State.ExitCode}} {{.State.OOMKilled}}"));

        var report = new FaultReport(await load.StopAsync(), fault);
        report.Note("docker stop of the balancer", 0, ", all failures after its listener had closed");
        Assert.All(report.Failures, sample => Assert.True(sample.Sent > fault + TimeSpan.FromSeconds(1.9), sample.ToString()));
        await Compose.CountedAsync(report.Successes + 1);
    }
}
