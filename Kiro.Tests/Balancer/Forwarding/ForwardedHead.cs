using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>What a node receives.</summary>
internal static class ForwardedHead
{
    /// <summary>The head of a request as the node receives it.</summary>
    public static async Task<string> OfAsync(string request)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(200, (await balancer.ExchangeAsync(request)).Status);
        return Assert.Single(node.Heads);
    }
}
