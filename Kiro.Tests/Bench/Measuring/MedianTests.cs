using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class MedianTests
{
    [Fact]
    public void Of_OddCount_IsTheMiddleValue() => Assert.Equal(3, Median.Of([100, 3, 1]));

    [Fact]
    public void Of_EvenCount_IsTheMeanOfTheMiddleTwo() => Assert.Equal(2.5, Median.Of([100, 3, 2, 1]));

    [Fact]
    public void Of_NoValues_IsNull() => Assert.Null(Median.Of([]));
}
