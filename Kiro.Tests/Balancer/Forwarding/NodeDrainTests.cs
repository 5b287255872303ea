using System.Net.Http.Json;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that drains itself.</summary>
public class NodeDrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Node_Drains_GetsNoNewRequestsAndFinishesThoseInFlight()
    {
        await using var leaving = await TestBackend.StartAsync("leaving");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{leaving.Host},{other.Host}", "HEALTH_INTERVAL=0.3");
        using var holding = balancer.Request(HttpMethod.Get, "/hold", leaving.Port);
        var held = balancer.Http.SendAsync(holding, Cancel);
        await Eventually.BeTrue(() => leaving.Arrived.Count == 1, "the node has a request");

        leaving.IsDraining = true;
        await Eventually.BeTrue(() => balancer.Backend(leaving.Port).Health.State == BackendState.Draining, "the node drains");

        for (var number = 1; number <= 10; number++)
        {
            Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));
        }

        Assert.Single(leaving.Arrived);
        leaving.Hold.Release();
        using var response = await held;
        Assert.Equal("held by leaving", await response.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(0, balancer.Counters.Errors);

        leaving.IsDraining = false;
        await Eventually.BeTrue(async () => await balancer.NodeOfAsync(leaving.Port) == "leaving", "the client is back on its node");
    }

    [Fact]
    public async Task Node_RespondsWithConnectionClose_IsProbedAtOnce()
    {
        await using var leaving = await TestBackend.StartAsync("leaving");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{leaving.Host},{other.Host}", "HEALTH_INTERVAL=3600");
        leaving.IsDraining = true;
        await Task.Delay(500, Cancel);
        Assert.Equal(BackendState.Up, balancer.Backend(leaving.Port).Health.State);

        using var request = balancer.Request(HttpMethod.Get, "/close", leaving.Port);
        using var response = await balancer.Http.SendAsync(request, Cancel);

        Assert.Equal("closing", await response.Content.ReadAsStringAsync(Cancel));
        await Eventually.BeTrue(() => balancer.Backend(leaving.Port).Health.State == BackendState.Draining, "the node drains");
        Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));
    }

    [Fact]
    public async Task Nodes_AllDraining_StillServe()
    {
        await using var one = await TestBackend.StartAsync("one");
        await using var two = await TestBackend.StartAsync("two");
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", "HEALTH_INTERVAL=0.3");
        (one.IsDraining, two.IsDraining) = (true, true);
        await Eventually.BeTrue(
            () => ((int[])[one.Port, two.Port]).All(port => balancer.Backend(port).Health.State == BackendState.Draining), "both drain");

        Assert.Equal("one", await balancer.NodeOfAsync(one.Port));
        Assert.Equal("two", await balancer.NodeOfAsync(two.Port));
    }
}
