using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Admin.Moves;

/// <summary>Determines moves by ranking every slot.</summary>
internal static class BruteForce
{
    /// <summary>The id that serves each slot if exactly these backends exist and are up.</summary>
    public static string[] Homes(IReadOnlyList<Candidate> nodes, Func<string, bool> isUp)
    {
        var ranking = new Rendezvous(nodes, HashingOptions.DefaultSeed, useTable: false);
        var eligible = nodes.Select(node => isUp(node.Id)).ToArray();
        return [.. Enumerable.Range(0, ClientHash.SlotCount).Select(slot => nodes[ranking.FirstAmong(slot, eligible)].Id)];
    }

    public static Candidate[] Nodes(this BackendRegistry registry) =>
        [.. registry.Current.Backends.Select(backend => new Candidate(backend.Id, backend.Weight))];

    public static double MovedShare(string[] before, string[] after) => Share(before, after, (from, to) => from != to);

    /// <summary>The share of the slots that satisfy a condition.</summary>
    public static double Share(string[] before, string[] after, Func<string, string, bool> isSo) =>
        before.Zip(after).Count(pair => isSo(pair.First, pair.Second)) / (double)before.Length;
}
