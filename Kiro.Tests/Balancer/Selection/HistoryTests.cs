using CsCheck;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>
/// Whichever nodes have joined, left, died, drained, recovered or changed their weight: the node of a client depends
/// only on the nodes that are up now, and an event moves only the clients that it affects.
/// </summary>
public sealed class HistoryTests
{
    private const int Names = 9;
    private static readonly double[] Weights = [0.5, 1, 1, 1, 3];
    private static readonly int[] Sample = [.. Nodes.Slots(60)];

    private static readonly Gen<(int Kind, int Node, int Weight)[]> Histories =
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, Names - 1], Gen.Int[0, Weights.Length - 1]).Array[1, 40];

    [Fact]
    public void Choose_AnyHistory_MovesOnlyAffectedClients() => Histories.Sample(history =>
    {
        var world = new World();
        var before = world.Choices();
        foreach (var (kind, node, weight) in history)
        {
            var hadNodeUp = world.UpNodes().Count > 0;
            world.Do(kind, node, Weights[weight]);
            var after = world.Choices();
            world.AssertAnswersAreThoseOf(after);
            if (hadNodeUp && world.UpNodes().Count > 0)
            {
                for (var at = 0; at < Sample.Length; at++)
                {
                    Assert.True(before[at] == after[at] || before[at] == World.Id(node) || after[at] == World.Id(node),
                        $"slot {Sample[at]} moved from {before[at]} to {after[at]} when {World.Id(node)} changed");
                }
            }

            before = after;
        }

        world.Registry.Current.Selector.Ranking.Retire();
    }, iter: 300);

    [Fact]
    public void Next_AnyHistory_FollowsTheWholeRanking() => Histories.Sample(history =>
    {
        var world = new World();
        foreach (var (kind, node, weight) in history)
        {
            world.Do(kind, node, Weights[weight]);
        }

        var up = world.UpNodes();
        var known = up.Count > 0 ? up : [.. world.Registry.Current.Backends.Select(backend => new Candidate(backend.Id, backend.Weight))];
        foreach (var slot in Sample.Take(10))
        {
            var tried = new List<Backend>();
            var left = known.ToList();
            while (world.Registry.Current.Next(slot, tried) is { } next)
            {
                Assert.Equal(World.BestOf(left, slot), next.Id);
                left.RemoveAll(node => node.Id == next.Id);
                tried.Add(next.Backend);
            }

            Assert.Empty(left);
        }

        world.Registry.Current.Selector.Ranking.Retire();
    }, iter: 200);

    private sealed class World
    {
        private readonly Dictionary<int, double> _found = [];

        public BackendRegistry Registry { get; } = Registries.Empty();

        public static string Id(int node) => $"api-{node}:80";

        /// <summary>The highest-ranked of some nodes, from a ranking of only those.</summary>
        public static string? BestOf(List<Candidate> nodes, int slot)
        {
            var ranking = nodes.Rank();
            ranking.Retire();
            return nodes.Count == 0 ? null : nodes[ranking.FirstAmong(slot, [])].Id;
        }

        public void Do(int kind, int node, double weight)
        {
            switch (kind)
            {
                case 0:
                    _found[node] = weight;
                    Find();
                    return;
                case 1:
                    _found.Remove(node);
                    Find();
                    return;
            }

            if (Registry.Current.Backends.FirstOrDefault(backend => backend.Id == Id(node)) is not { } known)
            {
                return;
            }

            switch (kind)
            {
                case 2 or 3:
                    Registry.Set(known.Id, BackendVerdict.Up);
                    return;
                case 4:
                    Registry.MarkDown(known.Backend, "connection refused");
                    return;
                default:
                    Registry.ToggleDrain(known);
                    return;
            }
        }

        public IReadOnlyList<Candidate> UpNodes() => [.. Registry.Current.Backends
            .Where(backend => backend.Health.State == BackendState.Up)
            .Select(backend => new Candidate(backend.Id, backend.Weight))];

        public string?[] Choices() => Array.ConvertAll(Sample, slot => Registry.Current.Choose(slot)?.Id);

        public void AssertAnswersAreThoseOf(string?[] choices)
        {
            if (UpNodes() is { Count: > 0 } up)
            {
                var ranking = up.Rank();
                ranking.Retire();
                Assert.Equal(Array.ConvertAll(Sample, slot => (string?)up[ranking.FirstAmong(slot, [])].Id), choices);
            }
            else
            {
                Assert.Equal(Registry.Current.Backends.Count == 0, choices.All(choice => choice is null));
            }
        }

        private void Find() => Registry.SetMembers(_found.Select(found => new BackendEndpoint($"api-{found.Key}", 80, found.Value)));
    }
}
