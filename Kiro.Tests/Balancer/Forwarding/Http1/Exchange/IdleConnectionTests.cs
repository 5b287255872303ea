using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>What the close of an idle connection says about its backend.</summary>
public class IdleConnectionTests
{
    [Fact]
    public async Task Node_ThatVanishes_IsProbedWhenItsIdleConnectionsClose()
    {
        await using var gone = await TestBackend.StartAsync("gone");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{gone.Host},{other.Host}", "HEALTH_INTERVAL=3600");
        using var request = balancer.Request(HttpMethod.Get, "/count", gone.Port);
        using var answer = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Single(gone.Arrived);

        await gone.StopAsync();

        await Eventually.BeTrue(() => balancer.Backend(gone.Port).Health.State == BackendState.Down, "the node is down without a request");
    }
}
