using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Works out who would move if the cluster were another one.</summary>
/// <param name="registry">The nodes.</param>
/// <param name="counter">Counts who moves.</param>
/// <param name="sessions">Who has sessions where; null when sessions do not stay.</param>
internal sealed class WhatIf(BackendRegistry registry, MoveCounter counter, SessionMemory? sessions = null) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // One at a time: with many nodes a response takes a tenth of a second of a processor that requests need.
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <param name="question">What is asked.</param>
    /// <param name="slot">The caller's; null when it has none yet.</param>
    /// <param name="cancellationToken">The caller does not wait any more.</param>
    /// <returns>The response, or null when too many others want one.</returns>
    public async Task<WhatIfResponse?> AskAsync(WhatIfQuestion question, int? slot, CancellationToken cancellationToken)
    {
        if (!await _turn.WaitAsync(Patience, cancellationToken))
        {
            return null;
        }

        try
        {
            return ResponseOf(registry.Current, question, slot);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

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
        .Select((backend, place) => (backend.Id, Share: snapshot.Selector.IsPanic ? 0 : Math.Round(snapshot.Selector.Shares[place], 4)))
        .ToDictionary(item => item.Id, item => item.Share);

    private static NodeName? At(BackendSnapshot snapshot, int place) => place < 0 ? null : NamedBackend.NameOf(snapshot.Backends[place]);
}
