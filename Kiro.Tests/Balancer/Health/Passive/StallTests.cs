using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Health.Passive;

/// <summary>A node that accepts connections and never responds.</summary>
public class StallTests
{
    [Fact]
    public async Task Get_NodeHangs_IsServedByTheNext()
    {
        await using var hanging = new HangingNode();
        await using var other = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{hanging.Port},{other.Host}", "HEALTH_TIMEOUT=1");
        hanging.Hang();

        using var request = balancer.Request(HttpMethod.Get, "/hello", hanging.Port);
        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.True(response.IsSuccessStatusCode);
        Assert.Contains("GET /hello", other.Arrived);
        Assert.Equal(BackendState.Down, balancer.Backend(hanging.Port).Health.State);
    }

    [Fact]
    public async Task Get_NodeIsSlow_WaitsForIt()
    {
        await using var slow = await TestBackend.StartAsync("slow");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{slow.Host},{other.Host}", "HEALTH_TIMEOUT=1");

        using var request = balancer.Request(HttpMethod.Get, "/hold", slow.Port);
        var answer = balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var before = balancer.Backend(slow.Port).Health.LastCheck;
        await Eventually.BeTrue(() => balancer.Backend(slow.Port).Health is { Failures: 0 } health && health.LastCheck > before, "the suspected node was probed");
        slow.Hold.Release();
        using var response = await answer;

        Assert.True(response.IsSuccessStatusCode);
        Assert.Empty(other.Arrived);
        Assert.Equal(BackendState.Up, balancer.Backend(slow.Port).Health.State);
    }

    [Fact]
    public async Task Get_OnlyNodeHangs_WaitsForIt()
    {
        await using var hanging = new HangingNode();
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{hanging.Port}", "HEALTH_TIMEOUT=1");
        hanging.Hang();

        var answer = balancer.Http.GetAsync(new Uri("/api/client-ip", UriKind.Relative), TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => balancer.Backend(hanging.Port).Health.State == BackendState.Down, "the node is out");
        Assert.False(answer.IsCompleted);
        hanging.Resume();
        using var response = await answer;

        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Post_NodeHangs_IsNotRetried()
    {
        await using var hanging = new HangingNode();
        await using var other = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{hanging.Port},{other.Host}", "HEALTH_TIMEOUT=1");
        hanging.Hang();

        using var request = balancer.Request(HttpMethod.Post, "/api/echo", hanging.Port, new StringContent("one"));
        var answer = balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => balancer.Backend(hanging.Port).Health.State == BackendState.Down, "the node is out");
        hanging.Resume();
        using var response = await answer;

        Assert.True(response.IsSuccessStatusCode);
        Assert.Empty(other.Arrived);
    }
}
