using Kiro.SideBySide.Load;
using Kiro.SideBySide.Measuring;
using Kiro.SideBySide.Proxies;

namespace Kiro.Tests.Bench.Measuring;

public sealed class RowTests
{
    [Fact]
    public void Ratio_MachineSlowsDown_IsComputedPerRound()
    {
        // The machine becomes four times slower; in each round this row takes twice as long as the other.
        var (row, other) = (Row(20, 40, 80), Row(10, 20, 40));
        Assert.Equal(2, row.Ratio(other, round => round.ProcessorMicroseconds));
        Assert.Equal(40, row.Typical(round => round.ProcessorMicroseconds));
    }

    [Fact]
    public void Ratio_RoundMissingInTheOther_IsLeftOut()
    {
        var (row, other) = (Row(20, 40, 90), Row(10, 20));
        Assert.Equal([2, 2], row.Ratios(other, round => round.ProcessorMicroseconds));
    }

    [Fact]
    public void Ratio_NothingToCompareWith_IsNull()
    {
        Assert.Null(Row(20).Ratio(null, round => round.ProcessorMicroseconds));
        Assert.Null(Row(20).Ratio(Row(), round => round.ProcessorMicroseconds));
        Assert.Null(Row().Typical(round => round.ProcessorMicroseconds));
    }

    [Fact]
    public void Note_RoundWithErrors_CountsThem()
    {
        var row = Row(20);
        Assert.Empty(row.Note);
        row.Add(1, Measured(20, new LoadErrors(3, 0, 1, 0)));
        Assert.Equal("4 errors (3 by status, 0 by length, 1 broken, 0 missing)", row.Note);
    }

    [Theory]
    [InlineData(10, "")]
    [InlineData(11, "did not carry the rate: 11 requests late")]
    public void Note_LateRequests_AreMentionedIfMany(long late, string note)
    {
        var row = new Row(new NginxProxy());
        row.Add(0, Measured(20, default, late));
        Assert.Equal(note, row.Note);
    }

    [Fact]
    public void Measurement_Figures_ArePerResponse()
    {
        var measurement = Measured(25, default);
        Assert.Equal(25, measurement.ProcessorMicroseconds, 6);
        Assert.Equal(500, measurement.Load.PerSecond);
        Assert.Equal(0.0125, measurement.Busy, 6);
    }

    private static Row Row(params double[] microseconds)
    {
        var row = new Row(new NginxProxy());
        for (var round = 0; round < microseconds.Length; round++)
        {
            row.Add(round, Measured(microseconds[round], default));
        }

        return row;
    }

    private static Measurement Measured(double microseconds, LoadErrors errors, long overdue = 0) => new(
        new LoadResult(TimeSpan.FromSeconds(2), 1000, new LatencyHistogram(), errors, overdue), TimeSpan.FromMicroseconds(microseconds * 1000), 0, 0);
}
