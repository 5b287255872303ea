using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>The two reasons to pass over a node that is up: bounded load and slow start.</summary>
public sealed class SelectorTests
{
    private const int Sample = 20_000;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SelectionOptions Bounded = new(125, TimeSpan.Zero);
    private static readonly SelectionOptions Slow = new(0, TimeSpan.FromSeconds(100));

    [Fact]
    public void Choose_NoneOverTheBound_IsFirstInTheRanking()
    {
        var selector = Of(Candidates(5), Bounded);
        Assert.All(Slots(), slot => Assert.Equal(selector.Ranking.First(slot), selector.First(slot, new Loads(5), out _)));
    }

    [Fact]
    public void Choose_OneOverTheBound_ExcessGoesToTheNextRanked()
    {
        var selector = Of(Candidates(5), Bounded);
        var loads = new Loads(5);
        // 20 in flight, 21 with this one: the bound is ceil(1.25 × 21 / 5) = 6.
        loads[2] = 20;

        foreach (var slot in Slots())
        {
            var ranking = selector.Ranking.Ranking(slot);
            Assert.Equal(ranking[0] == 2 ? ranking[1] : ranking[0], selector.First(slot, loads, out var home));
            Assert.Equal(ranking[0], home);
        }
    }

    [Fact]
    public void Choose_OneClientWithManyRequests_NoNodeExceedsTheBound()
    {
        var selector = Of(Candidates(5), Bounded);
        var loads = new Loads(5);
        for (var request = 1; request <= 100; request++)
        {
            loads[selector.First(12345, loads, out _)]++;
            Assert.All(Enumerable.Range(0, 5), place => Assert.True(loads[place] <= Math.Ceiling(1.25 * request / 5)));
        }
    }

    [Fact]
    public void Choose_WithWeights_BoundIsProportional()
    {
        var candidates = Candidates(2);
        candidates[0] = candidates[0] with { Weight = 3 };
        var selector = Of(candidates, Bounded);
        var loads = new Loads(2);
        for (var request = 1; request <= 100; request++)
        {
            loads[selector.First(request, loads, out _)]++;
        }

        Assert.InRange(loads[0], 100 - (int)Math.Ceiling(1.25 * 100 / 4), (int)Math.Ceiling(1.25 * 100 * 3 / 4));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(25, 0.25)]
    [InlineData(90, 0.9)]
    [InlineData(100, 1)]
    public void Choose_SlowStart_ServesTheExpectedFraction(int seconds, double part)
    {
        var selector = Of(Candidates(5, (1, seconds)), Slow);
        var own = Slots().Where(slot => selector.Ranking.First(slot) == 1).ToList();

        Assert.Equal(part < 1, selector.IsInSlowStart);
        Assert.Equal(part, own.Count(slot => selector.First(slot) == 1) / (double)own.Count, 0.02);
        Assert.All(own, slot => Assert.Contains(selector.First(slot), new[] { 1, selector.Ranking.Ranking(slot)[1] }));
        Assert.All(Slots().Except(own), slot => Assert.Equal(selector.Ranking.First(slot), selector.First(slot)));
    }

    [Fact]
    public void Choose_DuringSlowStart_ClientReturnsOnceAndStays()
    {
        var home = new HashSet<int>();
        for (var seconds = 0; seconds <= 100; seconds += 5)
        {
            var selector = Of(Candidates(3, (0, seconds)), Slow);
            var now = Slots().Where(slot => selector.First(slot) == 0).ToHashSet();
            Assert.Superset(home, now);
            home = now;
        }
    }

    [Fact]
    public void Choose_TwoInSlowStart_ClientHeldBackFromOneIsNotSentToTheOther()
    {
        var selector = Of(Candidates(4, (0, 0), (1, 0)), Slow);

        Assert.All(Slots(), slot => Assert.InRange(selector.First(slot), 2, 3));
    }

    [Fact]
    public void Choose_OnlyBackendUpIsInSlowStart_ServesAll()
    {
        var selector = Of(Candidates(1, (0, 0)), Slow);
        Assert.All(Slots(), slot => Assert.Equal(0, selector.First(slot)));
    }

    [Fact]
    public void Registry_BackendReturns_GetsASlowStart()
    {
        var time = new FakeTimeProvider(Start);
        var registry = new BackendRegistry(
            new HashingOptions(1, 32, 64), time, Microsoft.Extensions.Logging.Abstractions.NullLogger<BackendRegistry>.Instance,
            new SelectionOptions(0, TimeSpan.FromSeconds(10)));
        registry.SetMembers([new BackendEndpoint("a", 1), new BackendEndpoint("b", 1)]);
        registry.SetAll(BackendVerdict.Up);

        Assert.False(registry.Current.Selector.IsInSlowStart);
        registry.Set("a:1", BackendVerdict.Down);
        registry.Set("a:1", BackendVerdict.Up);
        Assert.True(registry.Current.Selector.IsInSlowStart);

        time.Advance(TimeSpan.FromSeconds(11));
        registry.Refresh();
        Assert.False(registry.Current.Selector.IsInSlowStart);
    }

    [Fact]
    public void Shares_VeryManyBackends_AreByWeightOfThoseUp()
    {
        var candidates = Candidates(2000);
        candidates[1] = candidates[1] with { Weight = 2 };
        for (var place = 4; place < candidates.Length; place++)
        {
            candidates[place] = candidates[place] with { IsAvailable = false };
        }

        Assert.Equal([0.2, 0.4, 0.2, 0.2, 0], Of(candidates, SelectionOptions.Off).Shares.Take(5));
    }

    private static IEnumerable<int> Slots() => Enumerable.Range(0, Sample).Select(index => index * (ClientHash.SlotCount / Sample));

    /// <summary>Nodes that are up, some of them only for so many seconds.</summary>
    private static Candidate[] Candidates(int count, params (int Place, int Seconds)[] back)
    {
        var candidates = Enumerable.Range(0, count).Select(index => new Candidate($"node-{index}:13004", 1)).ToArray();
        foreach (var (place, seconds) in back)
        {
            candidates[place] = candidates[place] with { BackFor = TimeSpan.FromSeconds(seconds) };
        }

        return candidates;
    }

    private static Selector Of(Candidate[] candidates, SelectionOptions options) => new(candidates, new Rendezvous(candidates, 7), options);

    private sealed class Loads(int count) : ILoads
    {
        private readonly int[] _inFlight = new int[count];

        public int this[int place]
        {
            get => _inFlight[place];
            set => _inFlight[place] = value;
        }

        public int InFlight(int place) => _inFlight[place];
    }
}
