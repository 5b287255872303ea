using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class WarmUpTests
{
    [Theory]
    // Nothing to compile; noise of less than 2 %; noise upwards.
    [InlineData(6, new double[] { 50, 50, 50, 50, 50, 50, 50 })]
    [InlineData(6, new double[] { 50, 49.5, 51, 49.2, 50, 50.5, 50 })]
    [InlineData(6, new double[] { 50, 50, 70, 50, 65, 51, 50 })]
    // It falls, and then no more.
    [InlineData(9, new double[] { 200, 150, 100, 60, 59, 61, 58.9, 59.5, 62, 60 })]
    // It stands still, rises while it compiles, and falls only then.
    [InlineData(11, new double[] { 51, 75, 81, 83, 40, 28.7, 29.4, 28.8, 29.4, 29.4, 28.4, 27.4 })]
    [InlineData(13, new double[] { 51, 75, 81, 83, 82, 79, 78, 28, 29, 28, 28, 29, 28.5, 28 })]
    public void IsOver_CostHasStoppedFalling_AfterFiveSlicesThatBroughtNothing(int slices, double[] costs)
    {
        var warmUp = new WarmUp();
        var taken = 0;
        while (!warmUp.IsOver && taken < costs.Length)
        {
            warmUp.Add(costs[taken++]);
        }

        Assert.Equal((slices, true), (taken, warmUp.IsOver));
    }

    [Fact]
    public void IsOver_CostFalls_GoesOn()
    {
        var warmUp = new WarmUp();
        for (var cost = 1000.0; cost > 10; cost *= 0.97)
        {
            warmUp.Add(cost);
            Assert.False(warmUp.IsOver);
        }
    }
}
