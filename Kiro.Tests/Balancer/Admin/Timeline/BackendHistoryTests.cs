using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class BackendHistoryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly BackendRegistry _registry;
    private readonly LiveBackend _backend;
    private readonly BackendHistory _history;

    public BackendHistoryTests()
    {
        _registry = Registries.Empty(_time);
        _registry.SetMembers(Registries.Endpoints(1));
        _backend = _registry.Find("api-1:80");
        _history = new BackendHistory(_backend.Runtime, _time);
    }

    [Fact]
    public void Latencies_EachProbe_IsThereOnce()
    {
        _history.Sample(_backend.Health);
        Probe(1.24);
        Seconds(3);
        Probe(null);
        Seconds(2);
        Probe(7);
        Seconds(1);

        Assert.Equal([1.2, null, 7], _history.Latencies);
    }

    [Fact]
    public void Latencies_MoreThanAreKept_AreTheLast()
    {
        for (var probe = 1; probe <= BackendHistory.Probes + 5; probe++)
        {
            Probe(probe);
            Seconds(1);
        }

        Assert.Equal(Enumerable.Range(6, BackendHistory.Probes).Select(latency => (double?)latency), _history.Latencies);
    }

    [Fact]
    public void RequestsPerSecond_SteadyLoad_IsThatLoadAndEndsWithIt()
    {
        Assert.Equal(0, _history.RequestsPerSecond);
        for (var second = 0; second < 20; second++)
        {
            for (var request = 0; request < 40; request++)
            {
                _backend.Counters.Begin();
            }

            Seconds(1);
        }

        Assert.InRange(_history.RequestsPerSecond, 36, 44);
        Seconds(12);
        Assert.Equal(0, _history.RequestsPerSecond);
    }

    private void Probe(double? milliseconds) => _registry.Probed(_backend, milliseconds is { } latency
        ? new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(latency), null, null)
        : new ProbeResult(ProbeOutcome.TimedOut, null, "silent", null));

    private void Seconds(int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _history.Sample(_backend.Health);
        }
    }
}
