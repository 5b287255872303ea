using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Admin.Moves;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Timeline;

public sealed class EventWriterTests : IDisposable
{
    private readonly ChangeFeed _feed = new();
    private readonly RecentSlots _recent = new();
    private readonly FakeTimeProvider _time = new();
    private readonly BackendRegistry _registry;

    public EventWriterTests()
    {
        _registry = Registries.Up(5, _time, _feed);
        Taken();
    }

    [Fact]
    public void Write_ANodeIsRefused_IsDownWithTheReasonAndWhoMoved()
    {
        for (var client = 0; client < 100; client++)
        {
            _recent.Add(client * 10_007);
        }

        var homes = Enumerable.Range(0, 100).Count(client => _registry.Current.Choose(client * 10_007)!.Id == "api-2:80");
        var share = BruteForce.Share(BruteForce.Homes(_registry.Nodes(), _ => true), new string[ClientHash.SlotCount], (from, _) => from == "api-2:80");
        _time.Advance(TimeSpan.FromMinutes(3));

        _registry.MarkDown(_registry.Find("api-2:80"), "connection refused");

        var item = Assert.Single(Written());
        Assert.Equal(("down", "up", "connection refused"), (item.Kind, item.From, item.Reason));
        Assert.Equal(new NodeName("api-2:80", null), Assert.Single(item.Nodes));
        Assert.Equal(_time.GetUtcNow(), item.Time);
        Assert.Equal(share, item.MovedShare, 0.01);
        Assert.Equal((homes, 100), (item.MovedClients, item.RecentClients));
        Assert.Equal((4, 5), (item.Up, item.Total));
    }

    [Fact]
    public void Write_ANodeComesBack_SaysWhoCameHome()
    {
        _registry.Set("api-2:80", BackendVerdict.Down);
        var left = Assert.Single(Written());

        _registry.Set("api-2:80", BackendVerdict.Up);

        var item = Assert.Single(Written());
        Assert.Equal(("up", "down", null), (item.Kind, item.From, item.Reason));
        Assert.Equal(left.MovedShare, item.MovedShare);
    }

    [Fact]
    public void Write_ANodeComesBackSlowly_CountsAllWhoWillHaveComeHome()
    {
        var registry = Registries.Up(3, _time, _feed, new SelectionOptions(0, TimeSpan.FromSeconds(60)));
        Taken();
        registry.Set("api-2:80", BackendVerdict.Down);
        var left = Assert.Single(Written());

        registry.Set("api-2:80", BackendVerdict.Up);
        Assert.True(registry.Current.Selector.IsInSlowStart);
        Assert.Equal(left.MovedShare, Assert.Single(Written()).MovedShare);

        // Clients that are still moving are not counted twice.
        _time.Advance(TimeSpan.FromSeconds(20));
        registry.Drain(registry.Find("api-2:80"));
        Assert.Equal(left.MovedShare, Assert.Single(Written()).MovedShare);
    }

    [Fact]
    public void Write_Drain_IsNoFailure()
    {
        _registry.Drain(_registry.Find("api-1:80"));

        var item = Assert.Single(Written());
        Assert.Equal(("draining", "requested by an operator"), (item.Kind, item.Reason));
        Assert.InRange(item.MovedShare, 0.19, 0.21);
    }

    [Fact]
    public void Write_Ejection_IsNotCalledDown()
    {
        _registry.Eject(_registry.Find("api-1:80"), "5 consecutive requests were lost");

        var item = Assert.Single(Written());
        Assert.Equal(("ejected", "ejected for 10 s: 5 consecutive requests were lost"), (item.Kind, item.Reason));
    }

    [Fact]
    public void Write_AnotherWeight_SaysFromWhatToWhatAndWhoMoved()
    {
        _registry.SetWeight(_registry.Find("api-1:80"), 2.5);

        var item = Assert.Single(Written());
        Assert.Equal(("weight", "an operator changed its weight from 1 to 2.5"), (item.Kind, item.Reason));
        Assert.Equal(2.5 / 6.5 - 0.2, item.MovedShare, 0.01);
    }

    [Fact]
    public void Write_NodesComeAndGo_IsOneEventForThoseAlike()
    {
        _registry.SetMembers(Registries.Endpoints(8).Skip(1));

        var events = Written();

        Assert.Equal(["draining", "joined"], events.Select(item => item.Kind).Order(StringComparer.Ordinal));
        var joined = events.Single(item => item.Kind == "joined");
        Assert.Equal((3, null, 0), (joined.Count, joined.From, joined.MovedShare));
        var draining = events.Single(item => item.Kind == "draining");
        Assert.Equal((1, "no longer in discovery"), (draining.Count, draining.Reason));
        Assert.InRange(draining.MovedShare, 0.19, 0.21);
        _registry.Set("api-1:80", BackendVerdict.Down);
        Assert.Equal(["down", "left"], Written().Select(item => item.Kind).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Write_TwoNodesFallTogether_TellsEachOnesClientsApart()
    {
        var before = BruteForce.Homes(_registry.Nodes(), _ => true);
        _registry.MarkDown(_registry.Find("api-1:80"), "connection refused");
        _registry.MarkDown(_registry.Find("api-4:80"), "no response");

        var events = Written();

        Assert.Equal(2, events.Count);
        foreach (var item in events)
        {
            Assert.Equal(BruteForce.Share(before, before, (from, _) => from == item.Nodes[0].Id), item.MovedShare, 0.01);
        }
    }

    [Fact]
    public void Write_TwoHundredNodes_IsOneEventWithAFewNames()
    {
        _registry.SetMembers(Registries.Endpoints(205));

        var item = Assert.Single(Written());
        Assert.Equal((200, 5), (item.Count, item.Nodes.Count));
    }

    [Fact]
    public void Feed_ANodeThatWasNeverUpIsRefused_StaysEmptyUntilItIsUp()
    {
        _registry.SetMembers(Registries.Endpoints(6));
        Taken();

        _registry.Set("api-6:80", BackendVerdict.Down);
        Assert.Empty(Taken());

        _registry.Set("api-6:80", BackendVerdict.Up);
        Assert.Equal("up", Assert.Single(Written()).Kind);
    }

    [Fact]
    public void Feed_NothingHappens_StaysEmpty()
    {
        _registry.SetMembers(Registries.Endpoints(5));
        _registry.SetWeight(_registry.Find("api-1:80"), 1);
        _registry.Probed(_registry.Find("api-1:80"), new ProbeResult(ProbeOutcome.Passed, null, null, null));

        Assert.Empty(Taken());
    }

    [Fact]
    public void Write_SessionsStay_CountsOnlyThoseWhoMoveAtOnce()
    {
        var idle = TimeSpan.FromSeconds(60);
        var registry = Registries.Up(5, _time, _feed, new SelectionOptions(0, TimeSpan.Zero, idle));
        var sessions = new SessionTable(idle, _time);
        var chooser = new BackendChooser(registry, _recent, sessions);
        int[] slots = [.. Enumerable.Range(0, 100).Select(client => client * 10_007)];
        Array.ForEach(slots, slot => chooser.First(slot));
        var had = slots.Count(slot => chooser.First(slot)!.Value.Backend.Id == "api-2:80");
        var held = new HeldSlots();
        Taken();

        registry.SetWeight(registry.Find("api-1:80"), 3);
        sessions.CopyTo(held);
        Assert.Equal(0, Assert.Single(new EventWriter(new MoveCounter(_recent)).Write(Taken(), held)).MovedClients);

        registry.Set("api-2:80", BackendVerdict.Down);
        sessions.CopyTo(held);
        // By the time of recording, all have another session.
        Array.ForEach(slots, slot => chooser.First(slot));
        Assert.Equal(had, Assert.Single(new EventWriter(new MoveCounter(_recent)).Write(Taken(), held)).MovedClients);
    }

    public void Dispose() => _recent.Dispose();

    private IReadOnlyList<ClusterEvent> Written() => new EventWriter(new MoveCounter(_recent)).Write(Taken());

    private List<RegistryChange> Taken()
    {
        var changes = new List<RegistryChange>();
        while (_feed.Changes.TryRead(out var change))
        {
            changes.Add(change);
        }

        return changes;
    }
}
