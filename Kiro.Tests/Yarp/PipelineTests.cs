using Kiro.Tests.Support;

namespace Kiro.Tests.Yarp;

/// <summary>The policy in the YARP pipeline, in front of real nodes.</summary>
public sealed class PipelineTests : IAsyncLifetime
{
    private readonly List<TestBackend> _nodes = [];

    public async ValueTask InitializeAsync()
    {
        for (var node = 1; node <= 4; node++)
        {
            _nodes.Add(await TestBackend.StartAsync($"node-{node}"));
        }
    }

    [Fact]
    public async Task Proxies_DestinationsInAnotherOrder_AgreeOnEveryClient()
    {
        await using var one = await TestProxy.StartAsync(All());
        await using var other = await TestProxy.StartAsync(All().Reverse());

        var nodes = await one.NodesAsync();

        Assert.Equal(nodes, await other.NodesAsync());
        Assert.Equal(4, nodes.OfType<string>().Distinct().Count());
    }

    [Fact]
    public async Task Destination_Dies_MovesOnlyItsClientsUntilItIsBack()
    {
        await using var proxy = await TestProxy.StartAsync(All(),
            ("~:HealthCheck:Active:Enabled", "true"), ("~:HealthCheck:Active:Interval", "00:00:00.200"), ("~:HealthCheck:Active:Path", "/health"));
        var homes = await proxy.NodesAsync();

        await _nodes[1].StopAsync();
        await Eventually.BeTrue(async () => !(await proxy.NodesAsync()).Contains(null), "YARP has taken the destination out");
        var moved = await proxy.NodesAsync();
        await _nodes[1].StartAsync();
        await Eventually.BeTrue(async () => (await proxy.NodesAsync()).Contains("node-2"), "YARP has taken the destination back in");

        Assert.All(homes.Zip(moved), pair => Assert.Equal(pair.First == "node-2", pair.First != pair.Second));
        Assert.Equal(homes, await proxy.NodesAsync());
    }

    [Fact]
    public async Task Weight_Destination_IsItsShare()
    {
        await using var proxy = await TestProxy.StartAsync([.. All().Take(3), (_nodes[3].Host, 9)]);

        var nodes = await proxy.NodesAsync(200);

        // Nine twelfths.
        Assert.InRange(nodes.Count(node => node == "node-4"), 120, 180);
    }

    [Theory]
    [InlineData("~:Destinations:d0:Metadata:ClientHash.Weight", "much", "Destination 'd0' of cluster 'api': metadata ClientHash.Weight = \"much\" is not valid: expected a number from 0.01 to 1000.")]
    [InlineData("~:Destinations:d0:Metadata:ClientHash.Weight", "0", "Destination 'd0' of cluster 'api': metadata ClientHash.Weight = \"0\" is not valid: expected a number from 0.01 to 1000.")]
    [InlineData("~:Metadata:ClientHash.Key", "session", "Cluster 'api': metadata ClientHash.Key = \"session\" is not valid: expected ip, header:NAME or cookie:NAME.")]
    [InlineData("~:Destinations:d0:Metadata:ClientHash.Weigth", "2", "Destination 'd0' of cluster 'api': metadata ClientHash.Weigth is unknown: expected ClientHash.Weight.")]
    [InlineData("~:Metadata:ClientHash.Weight", "2", "Cluster 'api': metadata ClientHash.Weight is unknown: expected ClientHash.Key.")]
    [InlineData("ClientHash:TrustedProxies", "lan", "ClientHashOptions.TrustedProxies = \"lan\" is not valid: expected addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none.")]
    public async Task Start_InvalidValue_FailsAndNamesIt(string name, string value, string expected)
    {
        var problem = await Assert.ThrowsAnyAsync<Exception>(() => TestProxy.StartAsync(All(), (name, value)));

        Assert.Contains(expected, problem.ToString(), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    private IEnumerable<(string, double)> All() => _nodes.Select(node => (node.Host, 1.0));
}
