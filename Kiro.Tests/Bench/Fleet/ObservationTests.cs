using Kiro.Fleet;

namespace Kiro.Tests.Bench.Fleet;

public sealed class ObservationTests
{
    // Few enough nodes that no lookup table is built.
    private static readonly FleetSize Small = new(20, 4, 2000, 2048);

    [Fact]
    public void Run_Twice_IsDeterministic() =>
        Assert.Equal(Run(Named("zone")).Seconds, Run(Named("zone")).Seconds);

    [Theory]
    [InlineData("crash")]
    [InlineData("silence")]
    [InlineData("orders")]
    public void Run_NodesComeOrGo_MovesOnlyTheirClients(string name)
    {
        var found = Run(Named(name));

        Assert.True(found.MustMove > 0);
        Assert.Equal(found.MustMove, found.Moved, 1e-9);
    }

    [Fact]
    public void Run_NodesAreAdded_MovesFewClientsTwice()
    {
        var found = Run(Named("scale"));

        // If one new node is up before another, some of its clients move on to the other.
        Assert.InRange(found.Moved, found.MustMove, found.MustMove * 1.1);
    }

    [Theory]
    [InlineData("crash")]
    [InlineData("silence")]
    [InlineData("zone")]
    [InlineData("deploy")]
    [InlineData("scale")]
    [InlineData("split")]
    [InlineData("orders")]
    public void Run_AtTheEnd_EveryClientIsOnItsNode(string name)
    {
        var found = Run(Named(name));

        Assert.True(found.MaxWrong > 0, "The scenario had no effect.");
        Assert.Equal(new Second(), found.Seconds[^1]);
    }

    [Fact]
    public void Run_BalancerIsPartitioned_MovesOnlyItsClients()
    {
        var found = Run(Named("split"));

        // One of four balancers cannot reach one of twenty nodes: only that node's clients at that balancer are affected.
        Assert.Equal(0, found.MustMove);
        Assert.InRange(found.MaxWrong, 0.25 / 20 / 2, 0.25 / 20 * 2);
    }

    private static Findings Run(Scenario scenario) => Observation.Run(scenario, new SimulatedFleet(Small, seed: 1));

    private static Scenario Named(string name) => Scenario.All.Single(scenario => scenario.Name == name);
}
