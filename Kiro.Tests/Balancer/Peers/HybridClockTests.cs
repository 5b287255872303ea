using Kiro.Balancer.Peers;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Peers;

public sealed class HybridClockTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    [Fact]
    public void Next_ManyAtOnce_IncreasesAndStaysCloseToTheClock()
    {
        var clock = new HybridClock(_time);
        var dates = Enumerable.Range(0, 1000).Select(_ => clock.Next()).ToList();

        Assert.Equal(dates.Distinct().Order(), dates);
        Assert.Equal(HybridClock.DateOf(_time.GetUtcNow()) + 999, dates[^1]);
    }

    [Fact]
    public void Next_CounterOverflows_ContinuesInTheNextMillisecond()
    {
        var clock = new HybridClock(_time);
        var last = Enumerable.Range(0, 70_000).Select(_ => clock.Next()).ToList()[^1];

        Assert.InRange(last, HybridClock.DateOf(_time.GetUtcNow().AddMilliseconds(1)), HybridClock.DateOf(_time.GetUtcNow().AddMilliseconds(2)) - 1);
    }

    [Fact]
    public void Next_ClockIsSetBack_StillIncreases()
    {
        var clock = new HybridClock(_time);
        var before = clock.Next();
        var late = new HybridClock(new FakeTimeProvider(_time.GetUtcNow().AddDays(-1)));
        late.Observe(before);

        Assert.Equal(before + 1, late.Next());
    }

    [Fact]
    public void Next_AfterAnOldDate_IsTheCurrentTime()
    {
        var clock = new HybridClock(_time);
        clock.Observe(HybridClock.DateOf(_time.GetUtcNow().AddSeconds(-1)));

        Assert.Equal(HybridClock.DateOf(_time.GetUtcNow()), clock.Next());
    }
}
