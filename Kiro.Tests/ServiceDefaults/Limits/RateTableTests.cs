using Kiro.ServiceDefaults.Limits;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.ServiceDefaults.Limits;

public sealed class RateTableTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void TryTake_AfterTheBurst_FollowsTheRate()
    {
        var table = new RateTable(1024, perSecond: 2, burst: 3, _time);

        Assert.True(table.TryTake(1, out _) && table.TryTake(1, out _) && table.TryTake(1, out _));
        Assert.False(table.TryTake(1, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(0.5), wait);
        Assert.True(table.IsEmpty(1, out _));

        _time.Advance(TimeSpan.FromSeconds(0.49));
        Assert.False(table.TryTake(1, out _));
        _time.Advance(TimeSpan.FromSeconds(0.01));
        Assert.False(table.IsEmpty(1, out _));
        Assert.True(table.TryTake(1, out _));
        Assert.False(table.TryTake(1, out _));
    }

    [Fact]
    public void TryTake_AfterLongIdle_AllowsNoMoreThanTheBurst()
    {
        var table = new RateTable(1024, perSecond: 10, burst: 2, _time);
        _time.Advance(TimeSpan.FromDays(400));

        Assert.Equal(2, Enumerable.Range(0, 10).Count(_ => table.TryTake(7, out var _)));
    }

    [Theory]
    [InlineData(1e-300, 1, 1)]
    [InlineData(1e-10, 1, 1)]
    [InlineData(1e-4, 1_000_000, 100)]
    [InlineData(1e300, 1_000_000, 100)]
    public void TryTake_ExtremeRates_AllowTheBurst(double perSecond, int burst, int taken)
    {
        var table = new RateTable(1024, perSecond, burst, _time);
        _time.Advance(TimeSpan.FromDays(10_000));

        Assert.Equal(taken, Enumerable.Range(0, 100).Count(_ => table.TryTake(7, out var _)));
        Assert.Equal(taken == 1, table.IsEmpty(7, out var wait));
        Assert.InRange(wait, TimeSpan.Zero, TimeSpan.MaxValue);
    }

    [Fact]
    public void TryTake_OneKeyIsEmpty_LeavesMostOthersAlone()
    {
        var table = new RateTable(4096, perSecond: 1, burst: 1, _time);
        Assert.True(table.TryTake(UInt128.MaxValue, out _));

        Assert.InRange(Enumerable.Range(1, 100).Count(key => table.TryTake((UInt128)key, out _)), 90, 100);
    }

    [Fact]
    public void TryTake_ManyThreads_AllowsExactlyTheBurst()
    {
        var table = new RateTable(16, perSecond: 1, burst: 1000, _time);
        var taken = 0;

        Parallel.For(0, 10_000, _ => Interlocked.Add(ref taken, table.TryTake(5, out var _) ? 1 : 0));

        Assert.Equal(1000, taken);
    }

    [Fact]
    public void Burst_ManyEvents_IsReportedOnceAMinute()
    {
        var burst = new Burst(_time);

        Assert.Equal(1, burst.Note());
        Assert.Equal(0, Enumerable.Range(0, 500).Sum(_ => burst.Note()));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(501, burst.Note());
        Assert.Equal(502, burst.Count);
    }
}
