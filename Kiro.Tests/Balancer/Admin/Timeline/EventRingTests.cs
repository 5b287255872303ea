using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Timeline;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class EventRingTests
{
    private readonly EventRing _ring = new();

    [Fact]
    public void Add_Events_GetIdsInTheirOrder()
    {
        _ring.Add([Event("a"), Event("b")]);
        _ring.Add([Event("c")]);

        Assert.Equal(3, _ring.LastId);
        Assert.Equal(["c", "b"], _ring.Newest(2).Select(item => item.Kind));
        Assert.Equal([2L, 3L], _ring.Since(1).Select(item => item.Id));
        Assert.Empty(_ring.Since(3));
    }

    [Fact]
    public void Add_MoreThanItHolds_ForgetsTheOldest()
    {
        for (var number = 0; number < EventRing.Capacity + 50; number++)
        {
            _ring.Add([Event("a")]);
        }

        Assert.Equal(EventRing.Capacity, _ring.Newest(int.MaxValue).Count);
        Assert.Equal(EventRing.Capacity + 50, _ring.LastId);
        Assert.Equal(51, _ring.Newest(int.MaxValue)[^1].Id);
    }

    [Fact]
    public async Task Next_AnEventComes_Ends()
    {
        var next = _ring.Next;
        Assert.False(next.IsCompleted);

        _ring.Add([Event("a")]);

        await next.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(_ring.Next.IsCompleted);
    }

    private static ClusterEvent Event(string kind) => new() { Time = DateTimeOffset.UnixEpoch, Kind = kind };
}
