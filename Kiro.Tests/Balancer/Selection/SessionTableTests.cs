using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Selection;

public sealed class SessionTableTests
{
    private const int Slot = 123_456;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private readonly FakeTimeProvider _time = new();
    private readonly SessionTable _memory;

    public SessionTableTests() => _memory = new SessionTable(Idle, _time);

    [Fact]
    public void First_UsedWithinIdleTimeout_StaysRegardlessOfRanking()
    {
        var held = First(Of(Up(1)));
        for (var nodes = 2; nodes <= 40; nodes++)
        {
            _time.Advance(Idle);
            Assert.Equal(held, First(Of(Up(nodes))));
        }
    }

    [Fact]
    public void First_IdleTimeoutPassed_FollowsTheRanking()
    {
        var before = Of(Up(5));
        var slots = Nodes.Slots(500).ToArray();
        Array.ForEach(slots, slot => First(before, slot));
        var after = Of(Up(10));
        Assert.All(slots, slot => Assert.Equal(before.First(slot), First(after, slot)));

        _time.Advance(Idle + TimeSpan.FromSeconds(0.125));

        Assert.All(slots, slot => Assert.Equal(Tenure.None, _memory.HolderOf(slot)));
        Assert.All(slots, slot => Assert.Equal(after.First(slot), First(after, slot)));
    }

    [Fact]
    public void First_TenureEnded_FreesTheSlotImmediately()
    {
        var nodes = Up(3);
        var place = First(Of(nodes));
        nodes = Up(6);
        nodes[place] = nodes[place] with { Tenure = Tenure.Of(place, 2) };

        Assert.Equal(Of(nodes).First(Slot), First(Of(nodes)));
    }

    [Fact]
    public void First_BackendDrainsItsSessions_KeepsThemAndGetsNoNewClients()
    {
        var nodes = Up(3);
        var place = First(Of(nodes));
        nodes[place] = nodes[place] with { IsAvailable = false };
        var draining = Of(nodes);

        Assert.Equal(place, First(draining));
        Assert.All(Nodes.Slots(300).Where(slot => slot != Slot), slot => Assert.NotEqual(place, First(draining, slot)));
    }

    [Fact]
    public void First_BackendKeepsNoSessions_DoesNotHoldTheSlot()
    {
        var selector = Of([.. Up(3).Select(node => node with { Tenure = Tenure.None, IsAvailable = false })]);

        Assert.Equal(selector.First(Slot), First(selector));
        Assert.Equal(Tenure.None, _memory.HolderOf(Slot));
    }

    [Fact]
    public void First_BackendOverTheBound_SendsTheRequestElsewhereAndKeepsTheSession()
    {
        var selector = Of(Up(3), new SelectionOptions(125, TimeSpan.Zero));
        var loads = new Loads();
        var place = _memory.First(Slot, selector, loads, out _);
        loads[place] = 20;

        Assert.NotEqual(place, _memory.First(Slot, selector, loads, out var home));
        Assert.Equal(place, home);
        loads[place] = 0;
        Assert.Equal(place, _memory.First(Slot, selector, loads, out _));
    }

    [Fact]
    public void First_NewClientOverTheBound_StaysWhereItWasSent()
    {
        var selector = Of(Up(3), new SelectionOptions(125, TimeSpan.Zero));
        var loads = new Loads { [selector.First(Slot)] = 20 };
        var place = _memory.First(Slot, selector, loads, out _);

        Assert.NotEqual(selector.First(Slot), place);
        Assert.Equal(place, First(selector));
    }

    [Fact]
    public void Next_HolderIsGone_NextBackendTakesTheSlotAndKeepsIt()
    {
        var nodes = Up(5);
        var first = First(Of(nodes));
        var gone = Up(5);
        gone[first] = gone[first] with { IsAvailable = false, Tenure = Tenure.None };

        var second = _memory.Next(Slot, Of(gone), [first]);

        Assert.Equal(Of(gone).First(Slot), second);
        nodes[first] = nodes[first] with { Tenure = Tenure.Of(first, 2) };
        Assert.Equal(second, First(Of(nodes)));
        _time.Advance(2 * Idle);
        Assert.Equal(first, First(Of(nodes)));
    }

    [Fact]
    public void Next_HolderLostOneRequest_KeepsTheSlot()
    {
        var selector = Of(Up(5));
        var first = First(selector);

        Assert.NotEqual(first, _memory.Next(Slot, selector, [first]));
        Assert.Equal(first, First(selector));
    }

    [Fact]
    public void Next_SlotWasClaimedMeanwhile_IsTheNewHolder()
    {
        var selector = Of(Up(5));
        var other = selector.Ranking.Ranking(Slot)[4];
        _memory.Use(Slot, selector.TenureOf(other));

        Assert.Equal(other, _memory.Next(Slot, selector, [selector.First(Slot)]));
    }

    [Fact]
    public void Use_RequestEnds_RestartsTheIdleTimeout()
    {
        var selector = Of(Up(2));
        var place = First(selector);
        // A long-polling request.
        _time.Advance(2 * Idle);
        _memory.Use(Slot, selector.TenureOf(place));
        _time.Advance(Idle);

        Assert.Equal(selector.TenureOf(place), _memory.HolderOf(Slot));
    }

    [Fact]
    public void Use_SlotWasClaimedMeanwhile_ChangesNothing()
    {
        var selector = Of(Up(2));
        var place = First(selector);

        _memory.Use(Slot, selector.TenureOf(1 - place));
        _memory.Use(Slot, Tenure.None);

        Assert.Equal(selector.TenureOf(place), _memory.HolderOf(Slot));
    }

    [Fact]
    public void First_AnySlot_AllocatesNothing()
    {
        var selector = Of(Up(5));
        var loads = new Loads();
        Assert.Equal(0, Allocated.By(run => _memory.First(run * 97, selector, loads, out _)));
    }

    [Fact]
    public async Task First_ConcurrentRequestsWhileBackendsJoin_AgreeOnOne()
    {
        const int Slots = 20_000;
        Selector[] moments = [.. Enumerable.Range(3, 10).Select(count => Of(Up(count)))];
        using var start = new Barrier(4);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Factory.StartNew(() =>
        {
            start.SignalAndWait();
            for (var slot = 0; slot < Slots; slot++)
            {
                // Threads may use different snapshots, all of which have these three.
                First(moments[(slot + thread) % moments.Length], slot);
            }
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        var last = moments[^1];
        for (var slot = 0; slot < Slots; slot++)
        {
            var place = last.IndexOf(_memory.HolderOf(slot));
            Assert.InRange(place, 0, 11);
            Assert.Equal(place, First(last, slot));
        }
    }

    [Fact]
    public void All_AndCopyTo_HaveTheHeldSlots()
    {
        var selector = Of(Up(2));
        int[] slots = [3, 70_000, ClientHash.SlotCount - 1];
        Array.ForEach(slots, slot => First(selector, slot));
        var copy = new HeldSlots();
        _memory.CopyTo(copy);

        Assert.Equal(slots, _memory.All().Select(item => item.Slot));
        Assert.All(_memory.All(), item => Assert.Equal(item.Holder, copy.HolderOf(item.Slot)));
        Assert.Equal(Tenure.None, copy.HolderOf(4));
        _time.Advance(2 * Idle);
        Assert.Empty(_memory.All());
        Assert.NotEqual(Tenure.None, copy.HolderOf(3));
        _memory.CopyTo(copy);
        Assert.Equal(Tenure.None, copy.HolderOf(3));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(86400)]
    public void HolderOf_AnyIdleTimeout_ExpiresOnTime(double seconds)
    {
        var time = new FakeTimeProvider();
        var memory = new SessionTable(TimeSpan.FromSeconds(seconds), time);
        // Anywhere within a tick.
        time.Advance(TimeSpan.FromMilliseconds(77));
        memory.First(Slot, Of(Up(1)), new Loads(), out _);

        time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.NotEqual(Tenure.None, memory.HolderOf(Slot));
        time.Advance(TimeSpan.FromSeconds(0.25));
        Assert.Equal(Tenure.None, memory.HolderOf(Slot));
    }

    private int First(Selector selector, int slot = Slot) => _memory.First(slot, selector, new Loads(), out _);

    private static Candidate[] Up(int count) =>
        [.. Enumerable.Range(0, count).Select(node => new Candidate($"api-{node + 1}:80", 1, Tenure: Tenure.Of(node, 1)))];

    private static Selector Of(Candidate[] candidates, SelectionOptions? options = null) =>
        new(candidates, new Rendezvous(candidates, Nodes.Seed, useTable: false), options ?? SelectionOptions.Off);

    private sealed class Loads : ILoads
    {
        private readonly int[] _inFlight = new int[50];

        public int this[int place]
        {
            set => _inFlight[place] = value;
        }

        public int InFlight(int place) => _inFlight[place];
    }
}
