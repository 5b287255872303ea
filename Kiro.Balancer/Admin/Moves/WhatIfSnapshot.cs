using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Builds the snapshot of a cluster that might be, out of the same parts as a real one.</summary>
internal static class WhatIfSnapshot
{
    public static BackendSnapshot Of(BackendSnapshot now, WhatIfQuestion question)
    {
        KnownBackend[] backends = [.. Members(now.Backends, question).OrderBy(backend => backend.Id, StringComparer.Ordinal)];
        var candidates = Array.ConvertAll(backends, backend => backend.AsCandidate(now.SelectedAt));
        var ranking = new Rendezvous(candidates, now.Selector.Ranking.Seed, isKept: false);
        return new BackendSnapshot(backends, new Selector(candidates, ranking, now.Options), now.Options, now.SelectedAt);
    }

    private static IEnumerable<KnownBackend> Members(IReadOnlyList<KnownBackend> now, WhatIfQuestion question) => question switch
    {
        { Nodes: { } count } when count >= now.Count => now.Concat(Newcomers(now, count - now.Count)),
        // Whoever scales down takes away those that came last.
        { Nodes: { } count } => now.Order(BackendOrder.Instance).Take(count),
        { Leaving: { } leaving } => now.ExceptBy(leaving.Select(known => known.Backend), known => known.Backend),
        { Weight: var (changed, weight) } => now.Select(known => known.Backend == changed.Backend ? known with { OperatorWeight = weight } : known),
        _ => now,
    };

    // Which clients come to a new node depends on its address, how many does not. It has the weight that most nodes have.
    private static IEnumerable<KnownBackend> Newcomers(IReadOnlyList<KnownBackend> now, int count)
    {
        var weight = now.CountBy(known => known.Weight).OrderByDescending(weights => weights.Value).FirstOrDefault().Key;
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        return Enumerable.Range(now.Count + 1, count).Select(number => new KnownBackend(new Backend($"new-{number}", 1), up with { Node = $"new-{number}" })
        {
            DiscoveredWeight = weight > 0 ? weight : 1,
        });
    }
}
