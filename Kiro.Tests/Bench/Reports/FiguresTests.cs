using Kiro.SideBySide.Reports;

namespace Kiro.Tests.Bench.Reports;

public sealed class FiguresTests
{
    [Theory]
    [InlineData(null, "–")]
    [InlineData(0.5512, "0.55")]
    [InlineData(9.949, "9.95")]
    [InlineData(99.4, "99.4")]
    [InlineData(21357.4, "21,357")]
    public void Text_Figure_HasThreeSignificantDigits(double? value, string text) => Assert.Equal(text, Figures.Text(value));
}
