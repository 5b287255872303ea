using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Tests.Balancer.Front.EventLoop;

public sealed class TimerWheelTests
{
    private readonly TimerWheel _wheel = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(1_000)]
    [InlineData(102_400)]
    [InlineData(130_000)]
    [InlineData(300_000)]
    [InlineData(3_600_000)]
    public void Deadline_Any_FiresOnceAndNeverEarly(long deadline)
    {
        var item = new Item { Deadline = deadline };
        _wheel.Add(item);
        for (long now = 0; now < deadline; now += 700)
        {
            _wheel.Advance(now);
            Assert.Equal(0, item.Met);
        }

        _wheel.Advance(deadline + 2 * TimerWheel.Tick);
        _wheel.Advance(deadline + 1_000_000);

        Assert.Equal(1, item.Met);
    }

    [Fact]
    public void Deadline_Postponed_FiresAtTheLaterTime()
    {
        var item = new Item { Deadline = 1_000 };
        _wheel.Add(item);
        item.Deadline = 200_000;

        _wheel.Advance(150_000);
        Assert.Equal(0, item.Met);
        _wheel.Advance(200_200);

        Assert.Equal(1, item.Met);
    }

    [Fact]
    public void Entry_Removed_DoesNotFire()
    {
        var items = Enumerable.Range(0, 5).Select(_ => new Item { Deadline = 1_000 }).ToList();
        items.ForEach(_wheel.Add);

        foreach (var place in (int[])[0, 2, 4])
        {
            _wheel.Remove(items[place]);
            _wheel.Remove(items[place]);
        }

        _wheel.Advance(2_000);

        Assert.Equal([0, 1, 0, 1, 0], items.Select(item => item.Met));
    }

    [Fact]
    public void Entry_Rescheduled_FiresAgain()
    {
        var item = new Item { Deadline = 500 };
        item.Then = () =>
        {
            item.Deadline = item.Met * 1_000;
            _wheel.Add(item);
        };
        _wheel.Add(item);

        for (var now = 0; now <= 10_500; now += 100)
        {
            _wheel.Advance(now);
        }

        Assert.InRange(item.Met, 10, 11);
    }

    [Theory]
    [InlineData(0, 1_000, 0)]
    [InlineData(0, 50_000, 0)]
    [InlineData(77_777, 80_000, 77_777)]
    public void TimeUntilNext_WithAnEntry_IsNeverLater(long start, long deadline, long now)
    {
        _wheel.Advance(start);
        Assert.Equal(-1, _wheel.TimeUntilNext(now));
        _wheel.Add(new Item { Deadline = deadline });

        Assert.InRange(_wheel.TimeUntilNext(now), 0, deadline - now + 2 * TimerWheel.Tick);
    }

    private sealed class Item : TimerEntry
    {
        public int Met { get; private set; }

        public Action? Then { get; set; }

        internal override void OnDeadline()
        {
            Met++;
            Then?.Invoke();
        }
    }
}
