using Kiro.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class WakeSignalTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly WakeSignal _signal = new();

    [Fact]
    public async Task WaitAsync_Signal_EndsTheWait()
    {
        var wait = Wait();
        Assert.False(wait.IsCompleted);

        _signal.Set();

        Assert.True(await wait);
    }

    [Fact]
    public async Task WaitAsync_NoSignal_EndsAtTheLimit()
    {
        var wait = Wait();
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(wait.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.False(await wait);
    }

    [Fact]
    public async Task WaitAsync_SeveralEarlierSignals_AreOne()
    {
        _signal.Set();
        _signal.Set();

        Assert.True(await Wait());
        var second = Wait();
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(await second);
    }

    [Fact]
    public async Task WaitAsync_Cancelled_Throws()
    {
        using var stop = new CancellationTokenSource();
        var wait = _signal.WaitAsync(Timeout.InfiniteTimeSpan, _time, stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    private Task<bool> Wait() => _signal.WaitAsync(TimeSpan.FromSeconds(10), _time, TestContext.Current.CancellationToken);
}
