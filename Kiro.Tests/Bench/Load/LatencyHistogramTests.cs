using Kiro.SideBySide.Load;

namespace Kiro.Tests.Bench.Load;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(50)]
    [InlineData(99)]
    [InlineData(99.9)]
    [InlineData(100)]
    public void Percentile_ManyLatencies_IsExactWithinOnePercent(double percent)
    {
        var histogram = new LatencyHistogram();
        var random = new Random(7);
        // From a microsecond to ten seconds, the same number in each decade.
        var all = Enumerable.Range(0, 50_000).Select(_ => (long)Math.Pow(10, 3 + (7 * random.NextDouble()))).ToArray();
        Array.ForEach(all, histogram.Record);
        Array.Sort(all);

        var exact = all[(int)Math.Ceiling(all.Length * percent / 100) - 1];
        var seen = histogram.Percentile(percent).Ticks * 100.0;

        Assert.InRange(seen, (exact * 0.99) - 100, (exact * 1.01) + 100);
    }

    [Fact]
    public void Percentile_OneSlowInAThousand_ShowsOnlyAbove999()
    {
        var histogram = new LatencyHistogram();
        for (var count = 0; count < 999; count++)
        {
            histogram.Record(1_000_000);
        }

        histogram.Record(500_000_000);

        Assert.InRange(histogram.Percentile(99.9).TotalMilliseconds, 0.99, 1.01);
        Assert.InRange(histogram.Percentile(99.91).TotalMilliseconds, 495, 505);
    }

    [Fact]
    public void Percentile_Empty_IsZero() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(99));

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(0, 0)]
    [InlineData(25_500, 255)]
    [InlineData(25_600, 256)]
    [InlineData(long.MaxValue, long.MaxValue / 100)]
    public void Record_AnyValue_IsFoundAgain(long nanoseconds, long ticks)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(nanoseconds);
        Assert.InRange(histogram.Percentile(50).Ticks, ticks * 0.99, ticks * 1.01);
    }
}
