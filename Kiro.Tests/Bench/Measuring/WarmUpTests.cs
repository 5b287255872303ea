using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class WarmUpTests
{
    [Theory]
    // Constant cost; noise of less than 2 %; upward noise.
    [InlineData(6, new double[] { 50, 50, 50, 50, 50, 50, 50 })]
    [InlineData(6, new double[] { 50, 49.5, 51, 49.2, 50, 50.5, 50 })]
    [InlineData(6, new double[] { 50, 50, 70, 90, 85, 51, 50 })]
    // The cost falls, then levels off.
    [InlineData(9, new double[] { 200, 150, 100, 60, 59, 61, 58.9, 59.5, 62, 60 })]
    [InlineData(11, new double[] { 51, 75, 81, 83, 40, 28.7, 29.4, 28.8, 29.4, 29.4, 28.4, 27.4 })]
    public void IsOver_CostStopsFalling_IsTrueFiveSlicesLater(int slices, double[] costs) =>
        Assert.Equal(slices, SlicesTaken([.. costs.Select(cost => (cost, 0))]));

    [Fact]
    public void IsOver_StillCompiling_WaitsForItsEffect()
    {
        (double, int)[] slices =
        [
            (72, 30), (98, 190), (83, 80), (90, 210), (83, 290), (72, 300), (60, 250), (41, 100), (41, 20), (42, 10), (41, 0), (42, 30),
            (41, 0), (42, 0),
        ];
        Assert.Equal(13, SlicesTaken(slices));
    }

    [Fact]
    public void IsOver_CostIsFalling_IsFalse()
    {
        var warmUp = new WarmUp();
        for (var cost = 1000.0; cost > 10; cost *= 0.97)
        {
            warmUp.Add(cost, TimeSpan.Zero);
            Assert.False(warmUp.IsOver);
        }
    }

    private static int SlicesTaken((double Cost, int CompilingMilliseconds)[] slices)
    {
        var warmUp = new WarmUp();
        var taken = 0;
        while (!warmUp.IsOver)
        {
            warmUp.Add(slices[taken].Cost, TimeSpan.FromMilliseconds(slices[taken].CompilingMilliseconds));
            taken++;
        }

        return taken;
    }
}
