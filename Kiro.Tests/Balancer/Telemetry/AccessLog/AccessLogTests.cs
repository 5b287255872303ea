using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Telemetry.AccessLog;

/// <summary>Real requests through a balancer process, and the lines that it logs.</summary>
public partial class AccessLogTests
{
    [Fact]
    public async Task On_Requests_HaveALineEach()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "ACCESS_LOG=on");

        using var request = new HttpRequestMessage(HttpMethod.Post, "/status/404?token=geheim#geheim");
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        await RawClient.ExchangeAsync(balancer.Port, "GET http://user:geheim@a.example/abs?token=geheim HTTP/1.1\r\nHost: a.example\r\n\r\n");
        await RawClient.ExchangeAsync(balancer.Port, "HEAD /bytes/1000 HTTP/1.1\r\nHost: a.example\r\n\r\n");
        await balancer.Http.GetAsync("/bytes/1000", TestContext.Current.CancellationToken);

        // The loops refuse userinfo in a target (RFC 9110, section 4.2.4) without forwarding anything.
        string[] absolute = TestedPath.IsLoop ? [] : ["client=127.0.0.1 method=GET path=/abs status=200 bytes=- ms=# node=node-7 tries=1"];
        await Eventually.BeTrue(() => Lines(balancer).Count == 3 + absolute.Length, "all lines");
        // Lines are written after the response, so two may be swapped.
        Assert.Equivalent((string[])
        [
            "client=203.0.113.7 method=POST path=/status/404 status=404 bytes=- ms=# node=node-7 tries=1",
            .. absolute,
            "client=127.0.0.1 method=HEAD path=/bytes/1000 status=200 bytes=0 ms=# node=node-7 tries=1",
            "client=127.0.0.1 method=GET path=/bytes/1000 status=200 bytes=1000 ms=# node=node-7 tries=1",
        ], Lines(balancer), strict: true);
        Assert.DoesNotContain("geheim", balancer.Process.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/a%0d%0ab", "")]
    [InlineData("/a\tb", "")]
    [InlineData("/a\u0001\u001b[2Jb", "")]
    [InlineData("/a\"b=c", "")]
    [InlineData("/a", "X-Forwarded-For: 1.2.3.4\" status=200\r\n")]
    public async Task On_HostileRequest_WritesNoLineOrFieldOfItsOwn(string target, string field)
    {
        await using var node = await TestBackend.StartAsync("node-7");
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "ACCESS_LOG=on");
        var answer = await RawClient.ExchangeAsync(balancer.Port, $"GET {target} HTTP/1.1\r\nHost: a.example\r\n{field}\r\n");
        await balancer.Http.GetAsync("/last", TestContext.Current.CancellationToken);

        await Eventually.BeTrue(() => Lines(balancer).Any(line => line.Contains("path=/last ", StringComparison.Ordinal)), "the last line");
        // Kestrel refuses some of these itself; they are not logged.
        Assert.InRange(Lines(balancer).Count, answer.Status == 400 ? 1 : 2, 2);
        Assert.All(Lines(balancer), line => Assert.Matches(OneLine(), line));
    }

    [Fact]
    public async Task On_NodeGone_TellsTheTriesAndTheNodeThatAnswered()
    {
        await using var first = await TestBackend.StartAsync("node-1");
        await using var second = await TestBackend.StartAsync("node-2");
        await using var balancer = await BalancerProcess.StartAsync($"{first.Host},{second.Host}", "ACCESS_LOG=on", "HEALTH_INTERVAL=300");
        await Eventually.BeTrue(async () => (await balancer.Http.GetStringAsync("/health")).Contains(":2", StringComparison.Ordinal), "both are up");
        var home = (await balancer.Http.GetStringAsync("/echo", TestContext.Current.CancellationToken)).Contains("node-1", StringComparison.Ordinal) ? first : second;
        var other = home == first ? second : first;
        other.Hold.Release();

        // The node dies while it has the request, before any probe can notice.
        var request = balancer.Http.GetAsync("/hold", TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => home.Arrived.Contains("GET /hold"), "the request");
        await home.StopAsync();
        await request;

        await Eventually.BeTrue(() => Lines(balancer).Any(line => line.Contains("path=/hold ", StringComparison.Ordinal)), "its line");
        Assert.EndsWith($"node={other.Node} tries=2", Lines(balancer).Single(line => line.Contains("path=/hold ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("off")]
    [InlineData("0")]
    public async Task Off_Requests_HaveNoLine(string value)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, $"ACCESS_LOG={value}");

        await balancer.Http.GetAsync("/a", TestContext.Current.CancellationToken);
        balancer.Process.Signal("INT");
        await balancer.Process.ExitCode();

        Assert.Empty(Lines(balancer));
    }

    [Fact]
    public async Task Fraction_ManyRequests_PicksSome()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "ACCESS_LOG=0.5");

        for (var number = 0; number < 100; number++)
        {
            await balancer.Http.GetAsync($"/{number}", TestContext.Current.CancellationToken);
        }

        balancer.Process.Signal("INT");
        await balancer.Process.ExitCode();

        // Outside of this range less than once in a billion runs.
        Assert.InRange(Lines(balancer).Count, 20, 80);
    }

    [Fact]
    public async Task On_CategoryBelowItsLevel_HasNoLine()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "ACCESS_LOG=on", "Logging__LogLevel__Kiro.Access=Warning");

        await balancer.Http.GetAsync("/a", TestContext.Current.CancellationToken);
        balancer.Process.Signal("INT");
        await balancer.Process.ExitCode();

        Assert.Empty(Lines(balancer));
    }

    private static List<string> Lines(BalancerProcess balancer) => [.. balancer.Process.Output.Split(Environment.NewLine)
        .Where(line => line.Contains("client=", StringComparison.Ordinal))
        .Select(line => Duration().Replace(line[line.IndexOf("client=", StringComparison.Ordinal)..], "ms=#"))];

    [GeneratedRegex(@"ms=\d+(\.\d)?")]
    private static partial Regex Duration();

    [GeneratedRegex(@"^client=[0-9a-f.:]+ method=[!-~]+ path=[!-~]+ status=\d{3} bytes=(-|\d+) ms=# node=[!-~]+ tries=\d$")]
    private static partial Regex OneLine();
}
