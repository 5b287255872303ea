using System.Globalization;
using System.Text.Json;
using Kiro.Tests.Cluster.Terminal;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster.Status;

/// <summary>The <c>status</c> command in a process of its own, against real balancers.</summary>
public class StatusCommandTests
{
    [Fact]
    public async Task Status_Healthy_IsAPlainTableAndExitCode0()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await StartBalancer(node);

        await using var status = Status(["--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(0, await status.ExitCode());
        var lines = status.Output.Split(Environment.NewLine);
        Assert.Matches(@"^Kiro \d+\.\d+\.\d+ · 1 of 1 up · 0\.0 req/s · 0 retries · running \d+ s$", lines[0]);
        Assert.Matches(@"^http://127\.0\.0\.1:\d+   you: 127\.0\.0\.1 -> node-7$", lines[1]);
        Assert.Matches(@"^node +port +state +probe +share +req/s +in-flight +reason$", lines[3]);
        Assert.Matches($@"^node-7 +{node.Port} +up +\d+(\.\d)?ms +100\.0% +(-|0\.0) +0$", lines[4]);
        Assert.DoesNotContain('\e', status.Output);
    }

    [Fact]
    public async Task Status_BalancerPort_IsUsed()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await StartBalancer(node);

        await using var status = Status([], ("BALANCER_PORT", balancer.Port.ToString(CultureInfo.InvariantCulture)));

        Assert.Equal(0, await status.ExitCode());
    }

    [Fact]
    public async Task Json_Healthy_IsTheResponseBody()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await StartBalancer(node);

        await using var status = Status(["--json", "--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(0, await status.ExitCode());
        using var json = JsonDocument.Parse(status.Output);
        Assert.Equal("node-7", json.RootElement.GetProperty("backends")[0].GetProperty("node").GetString());
        Assert.True(json.RootElement.GetProperty("client").TryGetProperty("ip", out _));
    }

    [Fact]
    public async Task Client_AnyAddress_ShowsItsNodeAndRanking()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await StartBalancer(node);

        await using var status = Status(["--client", "203.0.113.7", "--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(0, await status.ExitCode());
        Assert.Equal(["203.0.113.7 -> node-7", "  1. node-7  up"], status.Output.TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task Client_NotAnAddress_IsExitCode1AndOneLine()
    {
        await using var balancer = await BalancerInProcess.Start();

        await using var status = Status(["--client=nobody", "--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(1, await status.ExitCode());
        Assert.Contains("rejected nobody: client must be an IP address", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_NoNodeUp_IsExitCode1()
    {
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS=127.0.0.1:{FreePort.Next()}");

        await using var status = Status(["--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(1, await status.ExitCode());
        Assert.Contains("0 of 1 up", status.Output, StringComparison.Ordinal);
        Assert.Contains("Not healthy: no node is up.", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_OneNodeOfTwoDown_IsExitCode0()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await StartBalancer(node, $",127.0.0.1:{FreePort.Next()}");
        await Eventually.BeTrue(async () => (await balancer.Status()).GetProperty("backends").EnumerateArray().Any(backend => backend.GetProperty("state").GetString() == "down"), "one node is down");

        await using var status = Status(["--url", $"http://127.0.0.1:{balancer.Port}/"]);

        Assert.Equal(0, await status.ExitCode());
        Assert.Contains("connection refused", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_DegradedNodes_AreShownWithExitCode2()
    {
        await using var balancer = new RawBackend(exchange => exchange.OkAsync("""
            {"balancer":{"state":"running","version":"0.1.0","uptimeSeconds":5},"summary":{"total":3,"healthy":2},"backends":[
            {"id":"a:1","host":"a","port":1,"node":"api-1","state":"up","status":"degraded","reason":"MySQL at db:3306: Access denied.","requestsPerSecond":1.5},
            {"id":"a:2","host":"a","port":2,"node":"api-2","state":"up","status":"ok","requestsPerSecond":2.5},
            {"id":"a:4","host":"a","port":4,"node":"api-4","state":"up","status":"failing","reason":"errors"},
            {"id":"a:3","host":"a","port":3,"node":"api-3","state":"down","error":"refused","status":"degraded","requestsPerSecond":13.5}]}
            """));

        await using var status = Status(["--url", $"http://127.0.0.1:{balancer.Port}"]);

        Assert.Equal(2, await status.ExitCode());
        Assert.Contains("2 of 3 up · 1 degraded · 1 failing", status.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^api-1 .* degraded .* 1\.5 .*MySQL at db:3306: Access denied\.\s*$", status.Output);
        Assert.Contains("Degraded: api-1.", status.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^api-4 .* failing .*errors\s*$", status.Output);
        Assert.Contains("Failing: api-4.", status.Output, StringComparison.Ordinal);
        // No request rate is shown for a node that is down.
        Assert.DoesNotContain("13.5", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_NothingListens_IsOneLineAndExitCode1()
    {
        var port = FreePort.Next();

        await using var status = Status(["--url", $"http://127.0.0.1:{port}"]);

        Assert.Equal(1, await status.ExitCode());
        Assert.Equal($"http://127.0.0.1:{port} cannot be reached: connection refused.{Environment.NewLine}", status.Output);
    }

    [Theory]
    [InlineData("", "did not respond like a Kiro balancer.")]
    [InlineData("/lb", "responded with 404: not a Kiro balancer, or its pages are elsewhere.")]
    public async Task Status_NotABalancer_IsOneLineAndExitCode1(string path, string problem)
    {
        await using var node = await TestBackend.StartAsync();
        // A node echoes any request as JSON; a balancer has no /lb/lb/status.
        await using var balancer = await StartBalancer(node);
        var port = path.Length == 0 ? node.Port : balancer.Port;

        await using var status = Status(["--url", $"http://127.0.0.1:{port}{path}"]);

        Assert.Equal(1, await status.ExitCode());
        Assert.EndsWith(problem + Environment.NewLine, status.Output, StringComparison.Ordinal);
        Assert.Single(status.Output.TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task Watch_BalancerStops_ReportsItAndRetries()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        var balancer = await StartBalancer(node);
        await using var status = Status(["--watch", "--url", $"http://127.0.0.1:{balancer.Port}"]);
        await Eventually.BeTrue(() => status.Output.Split("1 of 1 up").Length > 2, "the status was shown twice");

        await balancer.DisposeAsync();

        await Eventually.BeTrue(() => status.Output.Contains("connection lost, retrying: http://127.0.0.1:", StringComparison.Ordinal), "the lost connection is reported");
        Assert.False(status.HasExited);
        status.Signal("INT");
        Assert.Equal(1, await status.ExitCode());
    }

    [Fact]
    public async Task Watch_Terminal_KeepsTheTableWithItsAge()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        var balancer = await StartBalancer(node);
        await using var terminal = new PseudoTerminal(balancer.Port, new Dictionary<string, string>(), "status", "--watch", "--url", $"http://127.0.0.1:{balancer.Port}");
        await terminal.Shows("1 of 1 up");

        await balancer.DisposeAsync();
        await terminal.Shows("connection lost, retrying");
        terminal.Process.Type(PseudoTerminal.CtrlC);

        Assert.Equal(1, await terminal.Process.ExitCode());
        Assert.All((string[])["\e[?25h", "node-7", "connection lost, retrying", "The table is from "],
            text => Assert.Contains(text, terminal.Remaining, StringComparison.Ordinal));
    }

    private static async Task<BalancerInProcess> StartBalancer(TestBackend node, string more = "")
    {
        var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS={node.Host}{more}");
        await Eventually.BeTrue(async () => (await balancer.Status()).GetProperty("summary").GetProperty("healthy").GetInt32() == 1, "the node is up");
        return balancer;
    }

    private static ServiceProcess Status(string[] arguments, params (string Name, string Value)[] environment) =>
        new("Kiro.Cluster", environment.ToDictionary(variable => variable.Name, variable => variable.Value), ["status", .. arguments]);
}
