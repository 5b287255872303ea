using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Determines which clients would move in a hypothetical cluster.</summary>
/// <param name="registry">The current backends.</param>
/// <param name="counter">Counts moving clients.</param>
/// <param name="sessions">The clients' sessions; null without session affinity.</param>
internal sealed class WhatIf(BackendRegistry registry, MoveCounter counter, SessionTable? sessions = null) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    // One at a time: with many backends an answer takes a tenth of a second of CPU time that requests need.
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <param name="question">The question.</param>
    /// <param name="slot">The caller's slot; null if it has none yet.</param>
    /// <param name="cancellationToken">The request was aborted.</param>
    /// <returns>Null if too many others are waiting.</returns>
    public async Task<WhatIfResponse?> AnswerAsync(WhatIfQuestion question, int? slot, CancellationToken cancellationToken)
    {
        if (!await _gate.WaitAsync(Timeout, cancellationToken))
        {
            return null;
        }

        try
        {
            return ResponseOf(registry.Current, question, slot);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private WhatIfResponse ResponseOf(BackendSnapshot now, WhatIfQuestion question, int? slot)
    {
        var then = WhatIfSnapshot.Of(now, question);
        var moves = counter.Count(now, then);
        var atOnce = sessions is null ? moves : counter.Count(now, then, holders: sessions);
        var holder = slot is { } asked ? sessions?.HolderOf(asked) ?? Tenure.None : Tenure.None;
        var from = slot is { } before ? At(now, now.Selector.Home(before, holder)) : null;
        var to = slot is { } after ? At(then, then.Selector.Home(after, holder)) : null;
        return new WhatIfResponse(
            Math.Round(moves.Share, 4), moves.Clients, atOnce.Clients, moves.RecentClients,
            new WhatIfRoute(from, to, from?.Id != to?.Id), Nodes(now, then, moves));
    }

    private static WhatIfNode[] Nodes(BackendSnapshot now, BackendSnapshot then, MoveReport moves)
    {
        var (before, after) = (Shares(now), Shares(then));
        var gains = moves.Flows.ToLookup(flow => flow.To);
        return [.. now.Backends.Concat(then.Backends).DistinctBy(backend => backend.Id).Select(backend => new WhatIfNode
        {
            Id = backend.Id,
            Node = backend.Health.Node,
            Change = !before.ContainsKey(backend.Id) ? "joins" : !after.ContainsKey(backend.Id) ? "leaves" : "stays",
            Before = before.GetValueOrDefault(backend.Id),
            After = after.GetValueOrDefault(backend.Id),
            Gains = Math.Round(gains[backend.Id].Sum(flow => flow.Share), 4),
            GainsClients = gains[backend.Id].Sum(flow => flow.Clients),
        })];
    }

    private static Dictionary<string, double> Shares(BackendSnapshot snapshot) => snapshot.Backends
        .Select((backend, index) => (backend.Id, Share: snapshot.Selector.IsPanic ? 0 : Math.Round(snapshot.Selector.Shares[index], 4)))
        .ToDictionary(item => item.Id, item => item.Share);

    private static NodeName? At(BackendSnapshot snapshot, int index) => index < 0 ? null : NamedBackend.NameOf(snapshot.Backends[index]);
}

/// <summary>Builds the snapshot of a hypothetical cluster.</summary>
internal static class WhatIfSnapshot
{
    public static BackendSnapshot Of(BackendSnapshot now, WhatIfQuestion question)
    {
        KnownBackend[] backends = [.. Members(now.Backends, question).OrderBy(backend => backend.Id, StringComparer.Ordinal)];
        var candidates = Array.ConvertAll(backends, backend => backend.AsCandidate(now.SelectedAt));
        var ranking = new Rendezvous(candidates, now.Selector.Ranking.Seed, useTable: false);
        return new BackendSnapshot(backends, new Selector(candidates, ranking, now.Options), now.Options, now.SelectedAt);
    }

    private static IEnumerable<KnownBackend> Members(IReadOnlyList<KnownBackend> now, WhatIfQuestion question) => question switch
    {
        { Nodes: { } count } when count >= now.Count => now.Concat(NewBackends(now, count - now.Count)),
        // Scaling down removes the newest.
        { Nodes: { } count } => now.Order(BackendOrder.Instance).Take(count),
        { Leaving: { } leaving } => now.ExceptBy(leaving.Select(known => known.Backend), known => known.Backend),
        { Weight: var (changed, weight) } => now.Select(known => known.Backend == changed.Backend ? known with { OperatorWeight = weight } : known),
        _ => now,
    };

    // Which clients a new backend gets depends on its address, but how many does not. Its weight is the most common one.
    private static IEnumerable<KnownBackend> NewBackends(IReadOnlyList<KnownBackend> now, int count)
    {
        var weight = now.CountBy(known => known.Weight).OrderByDescending(weights => weights.Value).FirstOrDefault().Key;
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        return Enumerable.Range(now.Count + 1, count).Select(number => new KnownBackend(new Backend($"new-{number}", 1), up with { Node = $"new-{number}" })
        {
            DiscoveredWeight = weight > 0 ? weight : 1,
        });
    }
}
