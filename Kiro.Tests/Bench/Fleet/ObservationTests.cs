using Kiro.Fleet;

namespace Kiro.Tests.Bench.Fleet;

public sealed class ObservationTests
{
    // So few nodes that no table has to be filled.
    private static readonly FleetSize Small = new(20, 4, 2000, 2048);

    [Fact]
    public void Run_Twice_FindsTheSame() =>
        Assert.Equal(Run(Named("zone")).Seconds, Run(Named("zone")).Seconds);

    [Theory]
    [InlineData("crash")]
    [InlineData("silence")]
    [InlineData("orders")]
    public void Run_NodesComeOrGo_MovesOnlyWhoMust(string name)
    {
        var found = Run(Named(name));

        Assert.True(found.MustMove > 0);
        Assert.Equal(found.MustMove, found.Moved, 1e-9);
    }

    [Fact]
    public void Run_NodesAreAdded_HardlyAnybodyMovesTwice()
    {
        var found = Run(Named("scale"));

        // A new node may be up a moment before another new one, which some of its clients then go on to.
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
    public void Run_ItIsOver_EverybodyIsWhereTheyBelong(string name)
    {
        var found = Run(Named(name));

        Assert.True(found.MaxWrong > 0, "Nobody noticed.");
        Assert.Equal(new Second(), found.Seconds[^1]);
    }

    [Fact]
    public void Run_SomeBalancersAreCutOff_NobodyElsesClientsMove()
    {
        var found = Run(Named("split"));

        // One of the four balancers cannot reach one of the twenty nodes: that node's clients, as far as they come to it.
        Assert.Equal(0, found.MustMove);
        Assert.InRange(found.MaxWrong, 0.25 / 20 / 2, 0.25 / 20 * 2);
    }

    private static Findings Run(Scenario scenario) => Observation.Run(scenario, new SimulatedFleet(Small, seed: 1));

    private static Scenario Named(string name) => Scenario.All.Single(scenario => scenario.Name == name);
}
