using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class TurnsTests
{
    [Fact]
    public void Of_Rounds_RotateTheOrder()
    {
        var rounds = Enumerable.Range(0, 3).Select(round => string.Concat(Turns.Of(["a", "b", "c"], round)));
        Assert.Equal(["abc", "bca", "cab"], rounds);
    }
}
