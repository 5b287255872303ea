using System.Net;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Limits;

/// <summary>Balancers that are their own backends.</summary>
public class LoopTests
{
    [Fact]
    public async Task Get_BalancerIsItsOwnBackend_Is508AfterOneHop()
    {
        var port = FreePort.Next();
        await using var balancer = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{port}", $"BALANCER_PORT={port}");

        var answer = await RawClient.ExchangeAsync(port, "GET /any HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal(508, answer.Status);
        Assert.Contains("came back to this balancer", answer.Body, StringComparison.Ordinal);
        Assert.Equal(2, balancer.Counters.Requests);
        Assert.Single(balancer.Logs, line => line.Contains($"The node 127.0.0.1:{port} is this balancer itself", StringComparison.Ordinal));
        Assert.Single(balancer.Logs, line => line.Contains("LoopGuard", StringComparison.Ordinal) && line.Contains("508", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Get_TwoBalancersInALoop_Is508AfterTwoHops()
    {
        var (one, two) = (FreePort.Next(), FreePort.Next());
        await using var first = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{two}", $"BALANCER_PORT={one}");
        await using var second = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{one}", $"BALANCER_PORT={two}");

        var answer = await RawClient.ExchangeAsync(one, "POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");

        Assert.Equal(508, answer.Status);
        Assert.Equal((2, 1), (first.Counters.Requests, second.Counters.Requests));
    }

    [Fact]
    public async Task Get_ChainedBalancers_IsServedWithBothMarks()
    {
        await using var node = RawBackend.Responding();
        await using var inner = await TestBalancer.StartAsync(node.Host);
        await using var outer = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{inner.Port}");

        var answer = await outer.ExchangeAsync("GET /any HTTP/1.1\r\nHost: a\r\nCDN-Loop: cdn.example; loops=1\r\n\r\n");

        Assert.Equal((int)HttpStatusCode.OK, answer.Status);
        Assert.True(node.Heads.TryDequeue(out var head));
        Assert.Matches("CDN-Loop: cdn.example; loops=1, kiro-[0-9a-f]{16}, kiro-[0-9a-f]{16}\r\n", head);
    }
}

[OverYarp]
public sealed class LoopOverYarpTests : LoopTests;
