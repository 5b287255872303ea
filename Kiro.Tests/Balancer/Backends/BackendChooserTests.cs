using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendChooserTests : IDisposable
{
    private readonly RecentSlots _recent = new();

    [Fact]
    public void First_NoBackend_IsNull() => Assert.Null(new BackendChooser(Registries.Empty(), _recent).First(1));

    [Fact]
    public void First_AnySlot_IsTheSnapshotsChoiceAndIsRecorded()
    {
        var registry = Registries.Up(5);
        var chooser = new BackendChooser(registry, _recent);
        foreach (var slot in (int[])[1, 70_000, 1_000_000])
        {
            var chosen = chooser.First(slot)!.Value;
            Assert.Same(registry.Current.Choose(slot), chosen.Known);
            Assert.Same(registry.Runtimes.Of(chosen.Backend), chosen.Runtime);
        }

        Assert.Equal([1, 70_000, 1_000_000], _recent.All());
    }

    [Fact]
    public void First_HomeOverTheBound_IsAnotherAndCounted()
    {
        var registry = Registries.Up(5, options: new SelectionOptions(125, TimeSpan.Zero));
        var chooser = new BackendChooser(registry, _recent);
        var home = chooser.First(7)!.Value;
        Array.ForEach(new int[20], _ => home.Runtime.Counters.Begin());

        Assert.NotSame(home.Backend, chooser.First(7)!.Value.Backend);
        Assert.Equal(1, home.Runtime.Counters.Overflows);
    }

    [Fact]
    public void Next_BackendsChangedMeanwhile_UsesTheCurrentOnes()
    {
        var registry = Registries.Up(3);
        var chooser = new BackendChooser(registry, _recent);
        var tried = new List<Backend> { chooser.First(7)!.Value.Backend };
        registry.SetMembers(Registries.Endpoints(9));
        registry.SetAll(BackendVerdict.Up);

        while (chooser.Next(7, tried) is { } next)
        {
            Assert.Same(registry.Runtimes.Of(next.Backend), next.Runtime);
            Assert.DoesNotContain(next.Backend, tried);
            tried.Add(next.Backend);
        }

        Assert.Equal(9, tried.Count);
    }

    [Fact]
    public void First_NothingChanges_AllocatesNothing()
    {
        var chooser = new BackendChooser(Registries.Up(5), _recent);
        Assert.Equal(0, Allocated.By(run => chooser.First(run * 7)));
    }

    [Fact]
    public void First_WithSessions_AllocatesNothing()
    {
        var time = TimeProvider.System;
        var idle = TimeSpan.FromSeconds(60);
        var chooser = new BackendChooser(
            Registries.Up(5, time, options: new SelectionOptions(0, TimeSpan.Zero, idle)), _recent, new SessionTable(idle, time));
        Assert.Equal(0, Allocated.By(run => chooser.First(run * 7)));
    }

    [Fact]
    public void Next_HolderRefuses_NextBackendTakesTheSlot()
    {
        var idle = TimeSpan.FromSeconds(60);
        var registry = Registries.Up(5, options: new SelectionOptions(0, TimeSpan.Zero, idle));
        var chooser = new BackendChooser(registry, _recent, new SessionTable(idle, new FakeTimeProvider()));
        var first = chooser.First(7)!.Value;
        registry.MarkDown(first.Backend, "connection refused");

        var second = chooser.Next(7, [first.Backend])!.Value;
        registry.Set(first.Backend.Id, BackendVerdict.Up);

        Assert.Same(second.Backend, chooser.First(7)!.Value.Backend);
        Assert.Same(first.Backend, registry.Current.Choose(7)!.Backend);
    }

    [Fact]
    public void End_LongRequest_RenewsTheSession()
    {
        var (idle, time) = (TimeSpan.FromSeconds(60), new FakeTimeProvider());
        var registry = Registries.Up(2, time, options: new SelectionOptions(0, TimeSpan.Zero, idle));
        var chooser = new BackendChooser(registry, _recent, new SessionTable(idle, time));
        var slot = Enumerable.Range(0, 1000).First(slot => Registries.Up(9).Current.Choose(slot)!.Id == "api-9:80");
        var chosen = chooser.First(slot)!.Value;
        registry.SetMembers(Registries.Endpoints(9));
        registry.SetAll(BackendVerdict.Up);
        time.Advance(2 * idle);

        chooser.End(slot, chosen.Known);

        Assert.Same(chosen.Backend, chooser.First(slot)!.Value.Backend);
        time.Advance(2 * idle);
        Assert.Equal("api-9:80", chooser.First(slot)!.Value.Backend.Id);
    }

    public void Dispose() => _recent.Dispose();
}
