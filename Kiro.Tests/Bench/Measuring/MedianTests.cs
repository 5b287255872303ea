using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class MedianTests
{
    [Fact]
    public void Of_OddNumber_IsTheMiddleOne() => Assert.Equal(3, Median.Of([100, 3, 1]));

    [Fact]
    public void Of_EvenNumber_IsBetweenTheMiddleTwo() => Assert.Equal(2.5, Median.Of([100, 3, 2, 1]));

    [Fact]
    public void Of_Nothing_IsNone() => Assert.Null(Median.Of([]));
}
