using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendCountersTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly BackendCounters _counters;

    public BackendCountersTests() => _counters = new BackendCounters(_time);

    [Fact]
    public void Sums_LoopsAndOtherThreads_AreAddedUp()
    {
        var (first, third) = (_counters.Cell(0), _counters.Cell(2));
        first.Begin();
        first.Begin();
        first.End();
        third.Begin();
        _counters.Begin();
        _counters.Fail();
        _counters.Overflow();

        Assert.Equal((4, 1, 1), (_counters.Requests, _counters.Failures, _counters.Overflows));
        Assert.Equal(3, _counters.InFlight);
        Assert.Same(first, _counters.Cell(0));
    }

    [Fact]
    public async Task Sums_ConcurrentWriters_LoseNothing()
    {
        const int Each = 200_000;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(loop => Task.Run(() =>
        {
            var cell = loop < 2 ? _counters.Cell(loop) : null;
            for (var request = 0; request < Each; request++)
            {
                if (cell is null)
                {
                    _counters.Begin();
                    _counters.End();
                }
                else
                {
                    cell.Begin();
                    cell.End();
                }
            }
        }, TestContext.Current.CancellationToken)));

        Assert.Equal((4 * Each, 0), (_counters.Requests, _counters.InFlight));
    }

    [Fact]
    public void Silence_SeveralCells_IsSinceTheLastResponseOrFirstWait()
    {
        var cell = _counters.Cell(0);
        Assert.Equal(TimeSpan.Zero, _counters.Silence);
        _counters.Await();
        Seconds(3);
        // Another loop's request is not a response.
        cell.Await(_time.GetTimestamp());
        Seconds(1);
        Assert.Equal(4, _counters.Silence.TotalSeconds, 1e-3);

        cell.Respond(_time.GetTimestamp());
        cell.Settle();
        Seconds(2);
        Assert.Equal(2, _counters.Silence.TotalSeconds, 1e-3);

        _counters.Settle();
        Assert.Equal(TimeSpan.Zero, _counters.Silence);
        Seconds(60);
        _counters.Await();
        Assert.Equal(TimeSpan.Zero, _counters.Silence);
    }

    [Fact]
    public void Forwarding_LoopsAndOtherThreads_AreAddedUp()
    {
        var counters = new ForwardingCounters();
        counters.CountRequest();
        counters.Cell(1).CountRequest();
        counters.Cell(1).CountRetry();
        counters.Cell(0).CountError();

        Assert.Equal((2, 1, 1), (counters.Requests, counters.Retries, counters.Errors));
    }

    private void Seconds(int seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));
}
