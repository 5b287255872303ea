using Kiro.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendRegistryTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Current_NothingDiscovered_IsEmpty()
    {
        var registry = Registries.Empty(_time);

        Assert.Empty(registry.Current.Backends);
        Assert.True(registry.Current.Selector.IsPanic);
        Assert.Null(registry.Current.Choose(0));
        Assert.Null(registry.Current.Next(0, []));
        Assert.Empty(registry.Current.Selector.Shares);
    }

    [Fact]
    public async Task SetMembers_New_AreStartingAndWakeTheProber()
    {
        var registry = Registries.Empty(_time);

        registry.SetMembers(Registries.Endpoints(2));

        Assert.Equal(["api-1:80", "api-2:80"], registry.Ids());
        Assert.All(registry.Current.Backends, backend => Assert.Equal(BackendState.Starting, backend.Health.State));
        Assert.All(registry.Current.Backends, backend => Assert.Equal(_time.GetUtcNow(), backend.Health.Since.Time));
        Assert.True(await IsSet(registry.MembersChanged));
    }

    [Theory]
    [InlineData(ProbeOutcome.Passed)]
    [InlineData(ProbeOutcome.Failed)]
    public void Probed_NoEffectOnSelection_CopiesNothing(object outcome)
    {
        var registry = Registries.Up(3, _time);
        var before = registry.Current;

        _time.Advance(TimeSpan.FromSeconds(1));
        registry.Probed(before.Backends[1].Backend, new ProbeResult((ProbeOutcome)outcome, TimeSpan.FromMilliseconds(7), "why", null));

        Assert.Same(before, registry.Current);
        var known = registry.Current.Backends[1];
        Assert.Equal((_time.GetUtcNow(), "why", 7.0), (known.Health.LastCheck, known.Health.Error, known.Health.Latency?.TotalMilliseconds));
        Assert.Null(registry.Current.Backends[0].Health.Error);
    }

    [Fact]
    public void Probed_SeveralTogether_IsOneChange()
    {
        var feed = new ChangeFeed();
        var registry = Registries.Empty(_time, feed);
        registry.SetMembers(Registries.Endpoints(3));
        Assert.True(feed.Changes.TryRead(out _));

        registry.Probed(
        [
            (registry.Current.Backends[0].Backend, new ProbeResult(ProbeOutcome.Passed, null, null, "a")),
            (registry.Current.Backends[1].Backend, new ProbeResult(ProbeOutcome.Refused, null, "no", null)),
            (registry.Current.Backends[2].Backend, new ProbeResult(ProbeOutcome.Passed, null, null, "c")),
            (registry.Current.Backends[0].Backend, new ProbeResult(ProbeOutcome.Refused, null, "gone", null)),
            (new Backend("stranger", 80), new ProbeResult(ProbeOutcome.Passed, null, null, null)),
        ]);

        Assert.Equal([BackendState.Down, BackendState.Down, BackendState.Up], registry.Current.Backends.Select(backend => backend.State));
        Assert.Equal(2, registry.Current.NotUp);
        Assert.True(feed.Changes.TryRead(out var change));
        Assert.Equal([ChangeKind.Up, ChangeKind.Up, ChangeKind.Down], change.Changes.Select(item => item.Kind));
        Assert.False(feed.Changes.TryRead(out _));
    }

    [Fact]
    public void Probed_SomeWereRemoved_OthersChange()
    {
        var registry = Registries.Up(3, _time);
        registry.SetMembers([new BackendEndpoint("api-2", 80)]);

        registry.Probed([.. registry.Current.Backends.Select(known => (known.Backend, new ProbeResult(ProbeOutcome.Refused, null, "no", null)))]);

        Assert.Equal([("api-2:80", BackendState.Down)], registry.Current.Backends.Select(known => (known.Id, known.State)));
    }

    [Fact]
    public void SetMembers_SameNodeTwice_IsOneNode()
    {
        var registry = Registries.Empty(_time);

        registry.SetMembers([new BackendEndpoint("API-1", 80), new BackendEndpoint("api-1", 80, 5)]);

        Assert.Equal(["api-1:80"], registry.Ids());
        Assert.Equal(1, registry.Find("api-1:80").Weight);
    }

    [Fact]
    public void SetMembers_SameInDifferentOrder_ChangesNothing()
    {
        var registry = Registries.Up(3, _time);
        var before = registry.Current;

        registry.SetMembers(Registries.Endpoints(3).Reverse());

        Assert.Equal(before.Backends, registry.Current.Backends);
        Assert.Same(before.Selector.Ranking, registry.Current.Selector.Ranking);
        Assert.Equal(3, registry.Serving().Length);
    }

    [Fact]
    public void SetMembers_UpAndAbsent_Drains()
    {
        var registry = Registries.Up(3, _time);

        registry.SetMembers(Registries.Endpoints(2));

        Assert.Equal(BackendState.Draining, registry.StateOf("api-3:80"));
        Assert.Equal(["api-1:80", "api-2:80"], registry.Serving());
    }

    [Theory]
    [InlineData("Unknown")]
    [InlineData("Down")]
    public void SetMembers_NotUpAndAbsent_IsRemoved(string verdict)
    {
        var registry = Registries.Empty(_time);
        registry.SetMembers(Registries.Endpoints(3));
        registry.Set("api-3:80", Enum.Parse<BackendVerdict>(verdict));

        registry.SetMembers(Registries.Endpoints(2));

        Assert.Equal(["api-1:80", "api-2:80"], registry.Ids());
    }

    [Fact]
    public async Task Probed_AbsentGoesDown_IsRemovedAndWakesTheProber()
    {
        var registry = Registries.Up(3, _time);
        registry.SetMembers(Registries.Endpoints(2));
        Assert.True(await IsSet(registry.MembersChanged));

        registry.Set("api-3:80", BackendVerdict.Down);

        Assert.Equal(["api-1:80", "api-2:80"], registry.Ids());
        Assert.True(await IsSet(registry.MembersChanged));
    }

    [Fact]
    public void SetMembers_AbsentReturns_IsTheSameBackend()
    {
        var registry = Registries.Up(3, _time);
        var before = registry.Find("api-3:80");
        before.Counters.Begin();
        registry.SetMembers(Registries.Endpoints(2));

        registry.SetMembers(Registries.Endpoints(3));

        Assert.Same(before.Known.Backend, registry.Find("api-3:80").Known.Backend);
        Assert.Equal(1, registry.Find("api-3:80").Counters.Requests);
        Assert.Equal(3, registry.Serving().Length);
    }

    [Fact]
    public void Drain_SeveralReasons_DrainsUntilTheLastIsGone()
    {
        var registry = Registries.Up(3, _time);
        registry.Drain(registry.Find("api-3:80"));
        registry.SayDraining("api-3:80");
        registry.SetMembers(Registries.Endpoints(2));

        registry.Resume(registry.Find("api-3:80"));
        Assert.Equal(BackendState.Draining, registry.StateOf("api-3:80"));
        registry.SetMembers(Registries.Endpoints(3));
        Assert.Equal(BackendState.Draining, registry.StateOf("api-3:80"));
        registry.Probed(registry.Find("api-3:80"), new ProbeResult(ProbeOutcome.Passed, null, null, null));
        Assert.Equal(BackendState.Up, registry.StateOf("api-3:80"));
    }

    [Fact]
    public void Drain_WhileDown_DrainsWhenItRecovers()
    {
        var registry = Registries.Up(3, _time);
        registry.Set("api-3:80", BackendVerdict.Down);
        registry.Drain(registry.Find("api-3:80"));
        Assert.Equal(BackendState.Down, registry.StateOf("api-3:80"));

        registry.Set("api-3:80", BackendVerdict.Up);

        Assert.Equal(BackendState.Draining, registry.StateOf("api-3:80"));
        Assert.DoesNotContain("api-3:80", registry.Serving());
    }

    [Fact]
    public void Events_RemovedBackend_ChangeNothing()
    {
        var registry = Registries.Up(3, _time);
        var forgotten = registry.Find("api-3:80");
        registry.Set("api-3:80", BackendVerdict.Down);
        registry.SetMembers(Registries.Endpoints(2));
        var before = registry.Current;

        registry.Probed(forgotten, new ProbeResult(ProbeOutcome.Passed, null, null, null));
        registry.Drain(forgotten);
        registry.SetWeight(forgotten, 2);
        registry.MarkDown(forgotten, "connection refused");

        Assert.Same(before, registry.Current);
    }

    [Fact]
    public void Probed_SameState_KeepsTheSelectorAndSince()
    {
        var registry = Registries.Up(3, _time);
        var (before, since) = (registry.Current, _time.GetUtcNow());
        _time.Advance(TimeSpan.FromSeconds(30));

        registry.Probed(registry.Find("api-1:80"), new ProbeResult(ProbeOutcome.Passed, null, null, null));

        Assert.Same(before.Selector, registry.Current.Selector);
        Assert.Equal(_time.GetUtcNow(), registry.Find("api-1:80").Health.LastCheck);
        Assert.Equal(since, registry.Find("api-1:80").Health.Since.Time);
    }

    [Fact]
    public async Task MarkDown_Up_IsDownImmediatelyAndWakesProberAndDiscovery()
    {
        var registry = Registries.Up(3, _time);
        var backend = registry.Find("api-2:80");
        _time.Advance(TimeSpan.FromSeconds(30));

        registry.MarkDown(backend, "connection refused");

        Assert.Equal(BackendState.Down, backend.Health.State);
        Assert.Equal("connection refused", backend.Health.Error);
        Assert.False(backend.Health.Reachable);
        Assert.Equal(0, backend.Health.Successes);
        Assert.Equal(_time.GetUtcNow(), backend.Health.Since.Time);
        Assert.Equal(["api-1:80", "api-3:80"], registry.Serving());
        Assert.True(await IsSet(backend.ProbeNow));
        Assert.True(await IsSet(registry.LookupNow));
    }

    [Fact]
    public void SetMembers_WeightChanges_SameBackendNewRanking()
    {
        var registry = Registries.Up(3, _time);
        var backend = registry.Find("api-3:80");
        var before = registry.Current.Selector.Shares[2];

        registry.SetMembers([.. Registries.Endpoints(2), new BackendEndpoint("api-3", 80, 4)]);

        Assert.Same(backend.Known.Backend, registry.Find("api-3:80").Known.Backend);
        Assert.Equal(BackendState.Up, backend.Health.State);
        Assert.InRange(before, 0.32, 0.35);
        Assert.InRange(registry.Current.Selector.Shares[2], 0.65, 0.68);
    }

    private Task<bool> IsSet(WakeSignal signal)
    {
        var wait = signal.WaitAsync(TimeSpan.FromSeconds(1), _time, TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(1));
        return wait;
    }
}
