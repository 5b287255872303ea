using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>Nodes that lose requests while their probes pass.</summary>
public sealed class EjectionTests
{
    private static readonly ProbeResult Passed = new(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null);
    private readonly SettableClock _time = new();
    private readonly BackendRegistry _registry;

    public EjectionTests()
    {
        _registry = new BackendRegistry(new HashingOptions(1, 32, 64), _time, NullLogger<BackendRegistry>.Instance);
        _registry.SetMembers(Enumerable.Range(1, 5).Select(number => new BackendEndpoint($"node-{number}", 13004)));
        foreach (var backend in _registry.Current.Backends)
        {
            Probe(backend.Backend);
        }
    }

    [Fact]
    public void Eject_ProbesPass_IsDownUntilTheEjectionEnds()
    {
        var backend = _registry.Find("node-1:13004");
        _registry.Eject(backend, "5 consecutive requests were lost");
        Assert.Equal(BackendState.Down, backend.Health.State);

        _time.Advance(TimeSpan.FromSeconds(9));
        Probe(backend);
        Assert.Equal(BackendState.Down, backend.Health.State);
        Assert.Equal("ejected for 10 s: 5 consecutive requests were lost", backend.Health.Error);

        _time.Advance(TimeSpan.FromSeconds(1));
        Probe(backend);
        Assert.Equal(BackendState.Up, backend.Health.State);
        Assert.Null(backend.Health.Error);
    }

    [Fact]
    public void Eject_Repeatedly_TakesLongerUntilForgotten()
    {
        var backend = _registry.Find("node-1:13004");
        foreach (var seconds in new[] { 10, 20, 30 })
        {
            _registry.Eject(backend, "lost");
            Assert.Equal(_registry.Now.Uptime + TimeSpan.FromSeconds(seconds), backend.Health.EjectedUntil);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            Probe(backend);
        }

        _time.Advance(TimeSpan.FromMinutes(6));
        _registry.Eject(backend, "lost");
        Assert.Equal(_registry.Now.Uptime + TimeSpan.FromSeconds(10), backend.Health.EjectedUntil);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Eject_ClockIsSet_LastsAsLong(int hours)
    {
        var backend = _registry.Find("node-1:13004");
        _registry.Eject(backend, "lost");
        _time.Offset = TimeSpan.FromHours(hours);

        _time.Advance(TimeSpan.FromSeconds(9));
        Probe(backend);
        Assert.Equal(BackendState.Down, backend.Health.State);
        _time.Advance(TimeSpan.FromSeconds(1));
        Probe(backend);
        Assert.Equal(BackendState.Up, backend.Health.State);
    }

    [Fact]
    public void Eject_AllBackends_LeavesMoreThanHalf()
    {
        foreach (var backend in _registry.Current.Backends)
        {
            _registry.Eject(backend.Backend, "lost");
        }

        Assert.Equal(3, _registry.Current.Backends.Count(backend => backend.Health.State == BackendState.Up));
    }

    [Fact]
    public void MarkDown_AllBackends_HasNoLimit()
    {
        foreach (var backend in _registry.Current.Backends)
        {
            _registry.MarkDown(backend.Backend, "connection refused");
        }

        Assert.True(_registry.Current.Selector.IsPanic);
    }

    [Fact]
    public void RecordLoss_ResponseInBetween_StartsOver()
    {
        var counters = _registry.Find("node-1:13004").Counters;
        Assert.Equal(1, counters.RecordLoss());
        Assert.Equal(2, counters.RecordLoss());
        counters.ResetLosses();
        Assert.Equal(1, counters.RecordLoss());
    }

    private void Probe(Backend backend) => _registry.Probed(backend, Passed);
}
