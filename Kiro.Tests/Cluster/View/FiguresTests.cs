using Kiro.Cluster.View;

namespace Kiro.Tests.Cluster.View;

public class FiguresTests
{
    [Theory]
    [InlineData(null, "-")]
    [InlineData(0.04, "0.0ms")]
    [InlineData(9.94, "9.9ms")]
    [InlineData(10.4, "10ms")]
    [InlineData(1337.2, "1337ms")]
    [InlineData(30_000d, "30s")]
    public void Milliseconds_Value_HasAUnit(double? value, string expected) => Assert.Equal(expected, Figures.Milliseconds(value));

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59.9, "59 s")]
    [InlineData(61, "1 min")]
    [InlineData(3 * 3600 + 125, "3 h 2 min")]
    [InlineData(90_000, "1 d 1 h")]
    [InlineData(-5, "0 s")]
    [InlineData(double.MaxValue, "11574 d 1 h")]
    public void Span_Seconds_AreReadable(double seconds, string expected) => Assert.Equal(expected, Figures.Span(seconds));
}
