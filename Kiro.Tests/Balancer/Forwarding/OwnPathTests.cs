using Kiro.Balancer.Forwarding;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Which paths the balancer serves itself: they are matched byte for byte, whichever way requests are forwarded.</summary>
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
    public async Task OwnPath_Exact_IsServedByTheBalancer(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal("nosniff", response.Value("X-Content-Type-Options"));
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("/lb/STATUS")]
    [InlineData("/lb/nothing")]
    [InlineData("/lb/Events")]
    public async Task BelowOwnPath_Unknown_Is404(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((404, "nosniff"), (response.Status, response.Value("X-Content-Type-Options")));
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
    public async Task OwnPath_SpelledDifferently_IsForwarded(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((200, "ok"), (response.Status, response.Body));
        Assert.False(response.Has("X-Content-Type-Options"));
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
    public void Contains_Target_IsDecidedByItsFirstSegment(string target, bool isOwn = false)
    {
        Assert.Equal(isOwn, new OwnPaths(hasAdminListener: false).Contains(System.Text.Encoding.ASCII.GetBytes(target)));
        Assert.False(new OwnPaths(hasAdminListener: true).Contains(System.Text.Encoding.ASCII.GetBytes(target)));
    }
}
