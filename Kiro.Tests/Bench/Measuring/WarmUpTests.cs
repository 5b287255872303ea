using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class WarmUpTests
{
    [Theory]
    [InlineData(4, new double[] { 50, 50, 50, 50 })]
    [InlineData(7, new double[] { 200, 150, 100, 60, 59, 61, 58 })]
    [InlineData(7, new double[] { 200, 191, 195, 100, 101, 102, 103 })]
    public void IsOver_CostHasStoppedFalling_AfterThreeSlices(int slices, double[] costs)
    {
        var warmUp = new WarmUp();
        var taken = costs.TakeWhile(cost =>
        {
            var goesOn = !warmUp.IsOver;
            warmUp.Add(cost);
            return goesOn;
        }).Count();
        Assert.Equal((slices, true), (taken, warmUp.IsOver));
    }

    [Fact]
    public void IsOver_CostFalls_GoesOn()
    {
        var warmUp = new WarmUp();
        for (var cost = 1000.0; cost > 10; cost *= 0.9)
        {
            warmUp.Add(cost);
            Assert.False(warmUp.IsOver);
        }
    }
}
