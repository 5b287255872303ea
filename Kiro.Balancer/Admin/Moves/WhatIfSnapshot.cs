using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Builds the snapshot of a cluster that might be, out of the same parts as a real one.</summary>
internal static class WhatIfSnapshot
{
    public static BackendSnapshot Of(BackendSnapshot now, WhatIfQuestion question)
    {
        Backend[] backends = [.. Members(now.Backends, question).OrderBy(backend => backend.Id, StringComparer.Ordinal)];
        var nodes = Array.ConvertAll(backends, backend => new HashNode(backend.Id, backend.Endpoint.Weight));
        return new BackendSnapshot(backends, new Rendezvous(nodes, now.Ranking.Seed, isKept: false), now.Options, now.Moment);
    }

    private static IEnumerable<Backend> Members(IReadOnlyList<Backend> now, WhatIfQuestion question) => question switch
    {
        { Nodes: { } count } when count >= now.Count => now.Concat(Newcomers(now, count - now.Count)),
        // Whoever scales down takes away those that came last.
        { Nodes: { } count } => now.Order(NodeOrder.Instance).Take(count),
        { Leaving: { } leaving } => now.Except(leaving),
        { Weight: var (changed, weight) } => now.Select(backend => backend == changed
            ? new Backend(backend.Endpoint with { Weight = weight }, backend.Health)
            : backend),
        _ => now,
    };

    // Which clients come to a new node depends on its address, how many does not. It has the weight that most nodes have.
    private static IEnumerable<Backend> Newcomers(IReadOnlyList<Backend> now, int count)
    {
        var weight = now.CountBy(backend => backend.Endpoint.Weight).OrderByDescending(weights => weights.Value).FirstOrDefault().Key;
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        return Enumerable.Range(now.Count + 1, count).Select(number =>
            new Backend(new BackendEndpoint($"new-{number}", 1, weight > 0 ? weight : 1), up with { Node = $"new-{number}" }));
    }
}
