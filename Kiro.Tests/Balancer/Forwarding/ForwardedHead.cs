using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

internal static class ForwardedHead
{
    /// <summary>What a node gets of a request.</summary>
    public static async Task<string> OfAsync(string request)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(200, (await balancer.ExchangeAsync(request)).Status);
        return Assert.Single(node.Heads);
    }
}
