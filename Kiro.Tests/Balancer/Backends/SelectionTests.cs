using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>The two reasons to pass over a node that is up: it has its share, or it has just come back.</summary>
public sealed class SelectionTests
{
    private const int Sample = 20_000;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SelectionOptions Bounded = new(125, TimeSpan.Zero);

    [Fact]
    public void Choose_NobodyOverTheBound_IsTheFirstInTheRanking()
    {
        var backends = Backends(5);
        var snapshot = Snapshot(backends, Bounded);
        Assert.All(Slots(), slot => Assert.Equal(backends[snapshot.Ranking.First(slot)], snapshot.Choose(slot)));
    }

    [Fact]
    public void Choose_ANodeOverTheBound_LeavesItsClientsToTheirNextNodes()
    {
        var backends = Backends(5);
        var snapshot = Snapshot(backends, Bounded);
        // 20 under way of 21 with this one: the bound is ceil(1.25 × 21 / 5) = 6.
        Array.ForEach(new int[20], _ => backends[2].Counters.Begin());

        foreach (var slot in Slots())
        {
            var ranking = snapshot.Ranking.Ranking(slot);
            Assert.Equal(backends[ranking[0] == 2 ? ranking[1] : ranking[0]], snapshot.ChooseCounted(slot));
        }

        Assert.True(backends[2].Counters.Overflows > 0);
    }

    [Fact]
    public void Choose_OneClientWithManyRequests_NoNodeExceedsTheBound()
    {
        var backends = Backends(5);
        var snapshot = Snapshot(backends, Bounded);
        for (var request = 1; request <= 100; request++)
        {
            snapshot.Choose(12345)!.Counters.Begin();
            Assert.All(backends, backend => Assert.True(backend.Counters.InFlight <= Math.Ceiling(1.25 * request / 5)));
        }
    }

    [Fact]
    public void Choose_WithWeights_TheBoundFollowsThem()
    {
        var backends = Backends(2, weightOfFirst: 3);
        var snapshot = Snapshot(backends, Bounded);
        for (var request = 1; request <= 100; request++)
        {
            snapshot.Choose(request)!.Counters.Begin();
        }

        Assert.InRange(backends[0].Counters.InFlight, 100 - (int)Math.Ceiling(1.25 * 100 / 4), (int)Math.Ceiling(1.25 * 100 * 3 / 4));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(25, 0.25)]
    [InlineData(90, 0.9)]
    [InlineData(100, 1)]
    public void Choose_ANodeThatCameBack_ServesThePartOfItsClientsThatIsDue(int seconds, double part)
    {
        var backends = Backends(5);
        backends[1].Health = backends[1].Health with { CameBack = Start };
        var snapshot = Snapshot(backends, new SelectionOptions(0, TimeSpan.FromSeconds(100)), Start.AddSeconds(seconds));
        var own = Slots().Where(slot => snapshot.Ranking.First(slot) == 1).ToList();

        Assert.Equal(part < 1, snapshot.IsChanging);
        Assert.Equal(part, own.Count(slot => snapshot.Choose(slot) == backends[1]) / (double)own.Count, 0.02);
        Assert.All(own, slot => Assert.Contains(snapshot.Choose(slot), new[] { backends[1], backends[snapshot.Ranking.Ranking(slot)[1]] }));
        Assert.All(Slots().Except(own), slot => Assert.Equal(backends[snapshot.Ranking.First(slot)], snapshot.Choose(slot)));
    }

    [Fact]
    public void Choose_AsTimePasses_AClientComesHomeOnceAndStays()
    {
        var backends = Backends(3);
        backends[0].Health = backends[0].Health with { CameBack = Start };
        var home = new HashSet<int>();
        for (var seconds = 0; seconds <= 100; seconds += 5)
        {
            var snapshot = Snapshot(backends, new SelectionOptions(0, TimeSpan.FromSeconds(100)), Start.AddSeconds(seconds));
            var now = Slots().Where(slot => snapshot.Choose(slot) == backends[0]).ToHashSet();
            Assert.Superset(home, now);
            home = now;
        }
    }

    [Fact]
    public void Choose_TwoNodesCameBack_WhoIsHeldBackByOneIsNotSentToTheOther()
    {
        var backends = Backends(4);
        backends[0].Health = backends[0].Health with { CameBack = Start };
        backends[1].Health = backends[1].Health with { CameBack = Start };
        var snapshot = Snapshot(backends, new SelectionOptions(0, TimeSpan.FromSeconds(100)), Start);

        Assert.All(Slots(), slot => Assert.Contains(snapshot.Choose(slot), new[] { backends[2], backends[3] }));
    }

    [Fact]
    public void Choose_TheOnlyNodeUpCameBack_ServesEverybody()
    {
        var backends = Backends(1);
        backends[0].Health = backends[0].Health with { CameBack = Start };
        var snapshot = Snapshot(backends, new SelectionOptions(0, TimeSpan.FromSeconds(100)), Start);
        Assert.All(Slots(), slot => Assert.Equal(backends[0], snapshot.Choose(slot)));
    }

    [Fact]
    public void Registry_ANodeFallsAndReturns_StartsSlowlyAndOnlyThen()
    {
        var time = new FakeTimeProvider(Start);
        var registry = new BackendRegistry(
            new HashingOptions(1, 32, 64), time, Microsoft.Extensions.Logging.Abstractions.NullLogger<BackendRegistry>.Instance,
            new SelectionOptions(0, TimeSpan.FromSeconds(10)));
        registry.SetMembers([new BackendEndpoint("a", 1), new BackendEndpoint("b", 1)]);
        foreach (var backend in registry.Current.Backends)
        {
            registry.Change(backend, health => health with { Verdict = BackendVerdict.Up, HasBeenUp = true });
        }

        Assert.False(registry.Current.IsChanging);
        var fallen = registry.Current.Backends[0];
        registry.Change(fallen, health => health with { Verdict = BackendVerdict.Down });
        registry.Change(fallen, health => health with { Verdict = BackendVerdict.Up });
        Assert.True(registry.Current.IsChanging);

        time.Advance(TimeSpan.FromSeconds(11));
        registry.Refresh();
        Assert.False(registry.Current.IsChanging);
    }

    private static IEnumerable<int> Slots() => Enumerable.Range(0, Sample).Select(index => index * (ClientHash.SlotCount / Sample));

    private static Backend[] Backends(int count, double weightOfFirst = 1) =>
        [.. Enumerable.Range(0, count).Select(index => new Backend(
            new BackendEndpoint($"node-{index}", 13004, index == 0 ? weightOfFirst : 1),
            new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true }))];

    private static BackendSnapshot Snapshot(Backend[] backends, SelectionOptions options, DateTimeOffset now = default) =>
        new(backends, new Rendezvous([.. backends.Select(backend => new HashNode(backend.Id, backend.Endpoint.Weight))], 7), options, now);
}
