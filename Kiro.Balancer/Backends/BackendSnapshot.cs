using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>
/// All that a request needs to know to choose its node, at one moment. The nodes are ranked over the whole membership
/// and health is a filter on the ranking: a node that goes down or comes back changes nothing for other nodes' clients.
/// </summary>
internal sealed class BackendSnapshot
{
    private readonly Backend[] _backends;
    private readonly bool[] _available;
    private readonly BoundedLoad? _bound;
    private readonly SlowStart? _slowStart;
    private readonly RecentSlots? _recent;
    private volatile double[]? _shares;

    /// <param name="backends">All known nodes.</param>
    /// <param name="ranking">Over the same nodes, in the same places.</param>
    /// <param name="options">Reasons to pass over a node that is up; by default none.</param>
    /// <param name="now">This moment, for a slow start.</param>
    /// <param name="recent">Where requests leave a note of their slot, if anywhere.</param>
    public BackendSnapshot(
        Backend[] backends, Rendezvous ranking, SelectionOptions? options = null, DateTimeOffset now = default, RecentSlots? recent = null)
    {
        _backends = backends;
        _recent = recent;
        Ranking = ranking;
        _available = Array.ConvertAll(backends, backend => backend.Health.State == BackendState.Up);
        IsPanic = !_available.Contains(true);
        Options = options ??= SelectionOptions.Off;
        Moment = now;
        _slowStart = SlowStart.Of(backends, options.SlowStart, now);
        _bound = options.BalanceFactor > 0 && !IsPanic ? new BoundedLoad(backends, _available, ranking, _slowStart, options.BalanceFactor) : null;
    }

    private BackendSnapshot(BackendSnapshot changing)
    {
        (_backends, _available, _bound, _recent) = (changing._backends, changing._available, changing._bound, changing._recent);
        (Ranking, IsPanic, Options, Moment) = (changing.Ranking, changing.IsPanic, changing.Options, changing.Moment);
    }

    /// <summary>What it chooses by.</summary>
    public SelectionOptions Options { get; }

    /// <summary>When it was made, for a slow start.</summary>
    public DateTimeOffset Moment { get; }

    /// <summary>The same when all clients will be home that are on their way: for <see cref="Home"/> alone.</summary>
    public BackendSnapshot Settled => IsChanging ? new BackendSnapshot(this) : this;

    /// <summary>Whether a node is on its way back, so that the next moment's answer will be another.</summary>
    public bool IsChanging => _slowStart is not null;

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<Backend> Backends => _backends;

    /// <summary>A node by its id, or else by the name that it gives itself. Several, when they give themselves the same one.</summary>
    public IReadOnlyList<Backend> Find(string idOrName) => Array.Find(_backends, backend => backend.Id == idOrName) is { } node
        ? [node]
        : Array.FindAll(_backends, backend => backend.Health.Node == idOrName);

    /// <summary>The ranking over all known nodes.</summary>
    public Rendezvous Ranking { get; }

    /// <summary>No node is up: every node is tried rather than none.</summary>
    public bool IsPanic { get; }

    /// <summary>The node that serves the clients of a slot, or null when no node is known.</summary>
    public Backend? Choose(int slot) => Ranking.First(slot) is >= 0 and var first ? _backends[Bounded(slot, Serving(slot, first))] : null;

    /// <summary>The same for a request: notes that the slot's clients are here, and counts when a node leaves the request
    /// to another because it has its share.</summary>
    public Backend? ChooseCounted(int slot)
    {
        _recent?.Note(slot);
        if (_bound is null || Ranking.First(slot) is not (>= 0 and var first))
        {
            return Choose(slot);
        }

        var home = Serving(slot, first);
        var place = Bounded(slot, home);
        if (place != home)
        {
            _backends[home].Counters.Overflow();
        }

        return _backends[place];
    }

    /// <summary>The place of the node that a slot's clients belong to while none has more than its share, or -1 when no node is up.</summary>
    public int Home(int slot) => IsPanic ? -1 : Serving(slot, Ranking.First(slot));

    /// <summary>The next-ranked node after those that a request has already tried, or null when none is left.</summary>
    public Backend? ChooseExcept(int slot, IReadOnlyCollection<Backend> tried)
    {
        var eligible = new bool[_backends.Length];
        for (var place = 0; place < eligible.Length; place++)
        {
            eligible[place] = (_available[place] || IsPanic) && !tried.Contains(_backends[place]);
        }

        var next = Ranking.FirstAmong(slot, eligible);
        return next < 0 ? null : _backends[next];
    }

    /// <summary>Every node's share of all clients, by place, as a fraction of 1: the slots that it serves now.</summary>
    // Worked out once, however many people look at the status: with many nodes it takes milliseconds.
    public IReadOnlyList<double> Shares => _shares ??= WorkOutShares();

    private double[] WorkOutShares()
    {
        // Every 16th slot tells the share to a tenth of a percent.
        const int Step = 16;
        var slots = new int[_backends.Length];
        for (var slot = 0; slot < ClientHash.SlotCount && slots.Length > 0; slot += Step)
        {
            slots[Serving(slot, Ranking.First(slot))]++;
        }

        return Array.ConvertAll(slots, count => count / (double)(ClientHash.SlotCount / Step));
    }

    private int Bounded(int slot, int place) => _bound is null ? place : _bound.Fit(slot, place);

    private int Serving(int slot, int first)
    {
        if (IsPanic)
        {
            return first;
        }

        var place = _available[first] ? first : Ranking.FirstAmong(slot, _available);
        return _slowStart is null || !_slowStart.HoldsBack(slot, place) ? place : Instead(slot, place);
    }

    private int Instead(int slot, int returning)
    {
        var eligible = (bool[])_available.Clone();
        for (var place = 0; place < eligible.Length; place++)
        {
            eligible[place] &= !_slowStart!.HoldsBack(slot, place);
        }

        var next = Ranking.FirstAmong(slot, eligible);
        return next < 0 ? returning : next;
    }
}
