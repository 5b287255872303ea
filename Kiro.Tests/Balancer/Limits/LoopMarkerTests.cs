using System.Text;
using Kiro.Balancer.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Tests.Balancer.Limits;

public sealed class LoopMarkerTests
{
    private readonly LoopMarker _mark = new();

    [Fact]
    public void Line_IsAFieldOfRfc8586() =>
        Assert.Matches("^CDN-Loop: kiro-[0-9a-f]{16}\r\n$", Encoding.ASCII.GetString(_mark.Line));

    [Theory]
    [InlineData("{0}", true)]
    [InlineData("cdn.example; loops=1, {0}", true)]
    [InlineData("{0};a=b,other", true)]
    [InlineData("", false)]
    [InlineData("cdn.example", false)]
    [InlineData("kiro-0000000000000000", false)]
    public void IsIn_Value_RecognizesOnlyItsOwnMark(string value, bool expected)
    {
        value = string.Format(null, value, _mark.Name);

        Assert.Equal(expected, _mark.IsIn(Encoding.ASCII.GetBytes(value)));
        Assert.Equal(expected, _mark.IsIn(new StringValues(["first", value])));
    }

    [Fact]
    public void New_TwoBalancers_HaveDifferentMarks() => Assert.False(_mark.IsIn(new LoopMarker().Bytes));
}
