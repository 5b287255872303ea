using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Retry;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Forwarding.Retry;

public sealed class RetryBudgetTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ForwardingCounters _counters = new();

    [Fact]
    public void TryTake_WithoutRequests_AllowsTheReserve() => Assert.Equal(100, TakeAll(new RetryBudget(() => _counters.Requests, _time)));

    [Fact]
    public void TryTake_AfterRequests_AllowsAFifthOfThemMore()
    {
        var budget = new RetryBudget(() => _counters.Requests, _time);
        Requests(1000);

        Assert.Equal(300, TakeAll(budget));

        Requests(50);
        Assert.Equal(10, TakeAll(budget));
    }

    [Fact]
    public void TryTake_AfterTime_AllowsTenASecondMore()
    {
        var budget = new RetryBudget(() => _counters.Requests, _time);
        TakeAll(budget);

        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(30, TakeAll(budget));
    }

    [Fact]
    public void TryTake_AfterAVeryLongGoodTime_AllowsAThousandAtOnce()
    {
        var budget = new RetryBudget(() => _counters.Requests, _time);
        Requests(100_000);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(1000, TakeAll(budget));
    }

    [Fact]
    public void TryTake_ByManyAtOnce_GivesNoMoreThanThereIs()
    {
        var budget = new RetryBudget(() => _counters.Requests, _time);
        var taken = 0;

        Parallel.For(0, 1000, _ =>
        {
            if (budget.TryTake())
            {
                Interlocked.Increment(ref taken);
            }
        });

        Assert.Equal(100, taken);
    }

    private void Requests(int count)
    {
        for (var number = 0; number < count; number++)
        {
            _counters.CountRequest();
        }
    }

    private static int TakeAll(RetryBudget budget)
    {
        var taken = 0;
        while (budget.TryTake())
        {
            taken++;
        }

        return taken;
    }
}
