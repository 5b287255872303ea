using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Forwarding;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class RequestRateTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ForwardingCounters _counters = new();
    private readonly BackendHistories _rate;

    public RequestRateTests() => _rate = new BackendHistories(Registries.Empty(_time), _counters, _time);

    public void Dispose() => _rate.Dispose();

    [Fact]
    public void RequestsPerSecond_NotStarted_IsNought() => Assert.Equal(0, _rate.RequestsPerSecond);

    [Fact]
    public async Task RequestsPerSecond_JustStarted_IsNoughtAndNoDivisionByIt()
    {
        await _rate.StartAsync(TestContext.Current.CancellationToken);
        Requests(5);

        Assert.Equal(0, _rate.RequestsPerSecond);
    }

    [Fact]
    public async Task RequestsPerSecond_SteadyLoad_IsThatLoad()
    {
        await _rate.StartAsync(TestContext.Current.CancellationToken);

        Seconds(3, requests: 40);
        Assert.Equal(40, _rate.RequestsPerSecond, 1e-9);
        Seconds(60, requests: 40);
        Assert.InRange(_rate.RequestsPerSecond, 36, 40);
    }

    [Fact]
    public async Task RequestsPerSecond_LoadEnds_IsNoughtTenSecondsLater()
    {
        await _rate.StartAsync(TestContext.Current.CancellationToken);
        Seconds(20, requests: 100);

        Seconds(5, requests: 0);
        Assert.InRange(_rate.RequestsPerSecond, 40, 60);
        Seconds(6, requests: 0);
        Assert.Equal(0, _rate.RequestsPerSecond);
    }

    [Fact]
    public async Task RequestsPerSecond_BetweenSamples_CountsWhatHasCome()
    {
        await _rate.StartAsync(TestContext.Current.CancellationToken);
        Requests(10);

        _time.Advance(TimeSpan.FromSeconds(0.5));

        Assert.Equal(20, _rate.RequestsPerSecond, 1e-9);
    }

    [Fact]
    public async Task StopAsync_Stopped_TakesNoMoreSamples()
    {
        await _rate.StartAsync(TestContext.Current.CancellationToken);
        await _rate.StopAsync(TestContext.Current.CancellationToken);
        Requests(100);

        _time.Advance(TimeSpan.FromSeconds(100));

        Assert.Equal(1, _rate.RequestsPerSecond, 1e-9);
    }

    private void Requests(int count)
    {
        for (var request = 0; request < count; request++)
        {
            _counters.CountRequest();
        }
    }

    private void Seconds(int seconds, int requests)
    {
        for (var second = 0; second < seconds; second++)
        {
            Requests(requests);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
