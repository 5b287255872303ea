using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>Lists of nodes, and shortcuts for their ranking.</summary>
internal static class Nodes
{
    public const ulong Seed = HashingOptions.DefaultSeed;

    /// <summary><c>10.0.0.1:13004</c>, <c>10.0.0.2:13004</c> and so on.</summary>
    public static Candidate[] Many(int count) =>
        [.. Enumerable.Range(1, count).Select(node => new Candidate($"10.0.{node >> 8}.{node & 255}:13004", 1))];

    /// <summary>The same with alternating weights.</summary>
    public static Candidate[] Many(int count, params double[] weights) =>
        [.. Many(count).Select((node, place) => node with { Weight = weights[place % weights.Length] })];

    public static Candidate[] Named(params string[] ids) => [.. ids.Select(id => new Candidate(id, 1))];

    public static Rendezvous Rank(this IEnumerable<Candidate> nodes, ulong seed = Seed) => new([.. nodes], seed);

    /// <summary>The id of the node that serves a slot.</summary>
    public static string Of(this Rendezvous ranking, int slot) => ranking.Nodes[ranking.First(slot)].Id;

    /// <summary>The number of slots that each node serves, by index.</summary>
    public static int[] Count(this Rendezvous ranking)
    {
        var counts = new int[ranking.Nodes.Count];
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            counts[ranking.FirstAmong(slot, [])]++;
        }

        return counts;
    }

    /// <summary>Slots from the whole range, always the same.</summary>
    public static IEnumerable<int> Slots(int count) =>
        Enumerable.Range(0, count).Select(number => (int)(number * 2_654_435_761L % ClientHash.SlotCount));

    /// <summary>The largest count over the mean.</summary>
    public static double Peak(this IReadOnlyCollection<int> counts) => counts.Max() / counts.Average();
}
