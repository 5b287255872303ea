using System.Net;
using Kiro.ServiceDefaults.Hosting;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.Tests.Balancer.Admin;

public sealed class BalancerHealthTests
{
    [Theory]
    [InlineData("up up up", 200, """{"status":"ok","healthy_backends":3}""")]
    [InlineData("up down draining", 200, """{"status":"ok","healthy_backends":1}""")]
    [InlineData("draining down starting", 503, """{"status":"error","healthy_backends":0}""")]
    public async Task Health_States_AreTheAnswer(string states, int code, string body)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates(states);

        await AssertHealth(unprobed.Balancer, code, body);
    }

    [Fact]
    public async Task Health_Draining_IsSaidThoughNodesAreUp()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        var balancer = unprobed.Balancer;
        unprobed.SetStates("up");

        await balancer.App.Services.GetRequiredService<Drain>().StoppingAsync(TestContext.Current.CancellationToken);

        await AssertHealth(balancer, 503, """{"status":"draining","healthy_backends":1}""");
        Assert.Equal("draining", (await balancer.Status()).GetProperty("balancer").GetProperty("state").GetString());
        Assert.Equal(HttpStatusCode.OK, (await balancer.Http.GetAsync("/alive", TestContext.Current.CancellationToken)).StatusCode);
    }

    private static async Task AssertHealth(BalancerInProcess balancer, int code, string body)
    {
        using var response = await balancer.Http.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Equal(body, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
    }
}
