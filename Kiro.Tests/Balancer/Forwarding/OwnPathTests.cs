using Kiro.Balancer.Forwarding;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Which paths are the balancer's: by their letters, on every path of a request.</summary>
public class OwnPathTests
{
    [Theory]
    [InlineData("/lb")]
    [InlineData("/lb?x=1")]
    [InlineData("/lb/status")]
    [InlineData("/metrics")]
    [InlineData("/metrics?x=1")]
    [InlineData("/health")]
    [InlineData("/health?x")]
    [InlineData("/alive")]
    public async Task OwnPath_AsItIsWritten_IsTheBalancers(string target)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal(200, answer.Status);
        Assert.Equal("nosniff", answer.Value("X-Content-Type-Options"));
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("/lb/STATUS")]
    [InlineData("/lb/nothing")]
    [InlineData("/lb/Events")]
    public async Task BelowOwnPath_AnythingElse_IsNotThere(string target)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((404, "nosniff"), (answer.Status, answer.Value("X-Content-Type-Options")));
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("/LB")]
    [InlineData("/Lb/status")]
    [InlineData("/lbx")]
    [InlineData("/lb.html")]
    [InlineData("/lb;a=1")]
    [InlineData("//lb")]
    [InlineData("//lb/status")]
    [InlineData("/./lb")]
    [InlineData("/a/../lb/status")]
    [InlineData("/%6Cb/status")]
    [InlineData("/Health")]
    [InlineData("/HEALTH")]
    [InlineData("/health/")]
    [InlineData("/health/live")]
    [InlineData("/healthz")]
    [InlineData("/Metrics")]
    [InlineData("/metrics/")]
    [InlineData("/ALIVE")]
    public async Task OtherSpelling_OfAnOwnPath_IsTheNodes(string target)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((200, "ok"), (answer.Status, answer.Body));
        Assert.False(answer.Has("X-Content-Type-Options"));
        Assert.StartsWith($"GET {target} HTTP/1.1\r\n", node.Heads.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/l")]
    [InlineData("*")]
    [InlineData("?x")]
    [InlineData("/lb", true)]
    [InlineData("/lb/", true)]
    [InlineData("/metrics", true)]
    [InlineData("/metricsx")]
    public void Contains_Target_GoesByItsFirstSegment(string target, bool isOwn = false)
    {
        Assert.Equal(isOwn, new OwnPaths(hasAdminListener: false).Contains(System.Text.Encoding.ASCII.GetBytes(target)));
        Assert.False(new OwnPaths(hasAdminListener: true).Contains(System.Text.Encoding.ASCII.GetBytes(target)));
    }
}

[OverLean]
public sealed class OwnPathOverLeanTests : OwnPathTests;

[OverYarp]
public sealed class OwnPathOverYarpTests : OwnPathTests;
