namespace Kiro.Balancer.Selection;

/// <summary>
/// First and next choice among the backends of one snapshot. All known backends are ranked, and everything else is a grade on
/// the ranking, so a backend that goes down or comes back does not affect the clients of the others. Immutable: choosing writes nothing.
/// </summary>
internal sealed class Selector
{
    private const int None = -1;

    /// <summary>Above this many backends, shares are derived from the weights: counting slots would take seconds, and its error would
    /// exceed a share.</summary>
    private const int MaxCounted = 1000;

    private readonly bool[] _available;
    private readonly BoundedLoad? _bound;
    private readonly SlowStart? _slowStart;
    private readonly Tenures _tenures;
    private volatile double[]? _shares;

    /// <param name="candidates">All known backends.</param>
    /// <param name="ranking">Over the same backends, in the same order.</param>
    /// <param name="options">Reasons to pass over a backend that is up.</param>
    public Selector(Candidate[] candidates, Rendezvous ranking, SelectionOptions options)
    {
        Ranking = ranking;
        _available = Array.ConvertAll(candidates, candidate => candidate.IsAvailable);
        IsPanic = !_available.Contains(true);
        _slowStart = SlowStart.Of(candidates, options.SlowStart);
        _tenures = new Tenures(candidates);
        _bound = options.BalanceFactor > 0 && !IsPanic ? new BoundedLoad(candidates, options.BalanceFactor) : null;
    }

    private Selector(Selector changing) =>
        (Ranking, _available, IsPanic, _bound, _tenures) =
            (changing.Ranking, changing._available, changing.IsPanic, changing._bound, changing._tenures);

    /// <summary>Over all known backends.</summary>
    public Rendezvous Ranking { get; }

    /// <summary>No backend is up: all are tried rather than none (Envoy's panic mode).</summary>
    public bool IsPanic { get; }

    /// <summary>Whether a backend is in slow start, so that choices change with time.</summary>
    public bool IsInSlowStart => _slowStart is not null;

    /// <summary>This selector as it will be once slow starts are over.</summary>
    public Selector AfterSlowStart => IsInSlowStart ? new Selector(this) : this;

    /// <summary>Each backend's fraction of all slots.</summary>
    // Calculated once per selector: it takes milliseconds.
    public IReadOnlyList<double> Shares => _shares ??= CalculateShares();

    /// <summary>The backend that serves a slot, regardless of load; -1 if none is known.</summary>
    public int First(int slot)
    {
        var first = Ranking.First(slot);
        return first < 0 || IsPanic || (_slowStart is null && _available[first])
            ? first
            : Ranking.First(slot, new Serving(_available, _slowStart, slot));
    }

    /// <summary>The backend that serves a slot, within the load bound if one is set.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="loads">Read only when a bound is set.</param>
    /// <param name="home">The result of <see cref="First(int)"/>; differs from the choice when that backend is over the bound.</param>
    public int First(int slot, ILoads loads, out int home)
    {
        home = First(slot);
        return WithinBound(slot, home, loads);
    }

    /// <summary>The given backend, or if it is over the load bound, the next-ranked one with room, if any.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="index">The preferred backend; -1 for none.</param>
    /// <param name="loads">Read only when a bound is set.</param>
    public int WithinBound(int slot, int index, ILoads loads)
    {
        if (_bound is null || index < 0)
        {
            return index;
        }

        var perWeight = _bound.BoundPerWeight(loads);
        if (_bound.HasRoom(index, perWeight, loads))
        {
            return index;
        }

        var next = Ranking.First(slot, new WithRoom(new Serving(_available, _slowStart, slot), _bound, perWeight, loads));
        return next < 0 ? index : next;
    }

    /// <summary>The highest-ranked backend that a request has not tried yet; -1 if none is left.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="tried">By index.</param>
    public int Next(int slot, ReadOnlySpan<int> tried) => Ranking.First(slot, new Untried(IsPanic ? null : _available, tried));

    /// <summary>The home of a slot's clients, regardless of load; -1 if no backend is up.</summary>
    public int Home(int slot) => IsPanic ? None : First(slot);

    /// <summary>The same for a slot that may have sessions.</summary>
    public int Home(int slot, Tenure holder) => IndexOf(holder) is >= 0 and var index ? index : Home(slot);

    /// <summary>The backend with a tenure; -1 if the tenure is over.</summary>
    public int IndexOf(Tenure tenure) => _tenures.IndexOf(tenure);

    public Tenure TenureOf(int index) => _tenures.Of(index);

    private double[] CalculateShares()
    {
        if (_available.Length > MaxCounted)
        {
            var weights = Ranking.Nodes.Select((node, index) => IsPanic || _available[index] ? node.Weight : 0).ToArray();
            var all = weights.Sum();
            return Array.ConvertAll(weights, weight => weight / all);
        }

        // Every 16th slot is enough for a tenth of a percent.
        const int Step = 16;
        var slots = new int[_available.Length];
        for (var slot = 0; slot < ClientHash.SlotCount && slots.Length > 0; slot += Step)
        {
            slots[First(slot)]++;
        }

        return Array.ConvertAll(slots, count => count / (double)(ClientHash.SlotCount / Step));
    }

    /// <summary>0 for a backend that is up, 1 if a slow start holds the slot back from it: the last resort.</summary>
    private readonly struct Serving(bool[] available, SlowStart? slowStart, int slot) : IGrading
    {
        public int Of(int index) => !available[index] ? Rendezvous.Grades : slowStart?.HoldsBack(slot, index) == true ? 1 : 0;
    }

    private readonly struct WithRoom(Serving serving, BoundedLoad bound, double perWeight, ILoads loads) : IGrading
    {
        public int Of(int index) => serving.Of(index) == 0 && bound.HasRoom(index, perWeight, loads) ? 0 : Rendezvous.Grades;
    }

    private readonly ref struct Untried(bool[]? available, ReadOnlySpan<int> tried) : IGrading
    {
        private readonly ReadOnlySpan<int> _tried = tried;

        public int Of(int index) => available?[index] != false && !_tried.Contains(index) ? 0 : Rendezvous.Grades;
    }
}

/// <summary>Requests in flight at each backend.</summary>
internal interface ILoads
{
    int InFlight(int index);
}

/// <summary>
/// Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, arXiv 1608.01350): no backend gets more than
/// factor × its share of the requests in flight. The excess goes to the next backend in each client's own ranking, so it
/// spreads over all others instead of overloading one neighbour.
/// </summary>
internal sealed class BoundedLoad(Candidate[] candidates, int percent)
{
    private readonly double _allWeight = candidates.Where(candidate => candidate.IsAvailable).Sum(candidate => candidate.Weight);

    /// <summary>The bound per unit of weight, with the new request counted.</summary>
    public double BoundPerWeight(ILoads loads)
    {
        var all = 1;
        for (var index = 0; index < candidates.Length; index++)
        {
            all += candidates[index].IsAvailable ? loads.InFlight(index) : 0;
        }

        return percent / 100.0 * all / _allWeight;
    }

    /// <summary>Whether the backend can take one more request.</summary>
    public bool HasRoom(int index, double perWeight, ILoads loads) =>
        loads.InFlight(index) < Math.Ceiling(perWeight * candidates[index].Weight);
}

/// <summary>
/// Returns a recovered backend's clients to it gradually. When a client moves depends on its slot alone, so each moves only once.
/// </summary>
internal sealed class SlowStart
{
    private readonly double[] _progress;

    private SlowStart(double[] progress) => _progress = progress;

    /// <returns>Null if no backend is in slow start.</returns>
    public static SlowStart? Of(Candidate[] candidates, TimeSpan duration)
    {
        var progress = Array.ConvertAll(candidates, candidate =>
            candidate.BackFor is { } backFor && duration > TimeSpan.Zero ? backFor / duration : 1);
        return progress.All(fraction => fraction >= 1) ? null : new SlowStart(progress);
    }

    /// <summary>Whether it is too early for a slot's clients to return to the backend.</summary>
    public bool HoldsBack(int slot, int index) =>
        _progress[index] < 1 && Rendezvous.Mix((ulong)slot) / (double)ulong.MaxValue >= _progress[index];
}

/// <summary>Maps tenures to the backends of one snapshot, and back.</summary>
internal sealed class Tenures
{
    private const int None = -1;

    private readonly Tenure[] _tenures;
    private readonly int[] _indexes;

    public Tenures(Candidate[] candidates)
    {
        _tenures = Array.ConvertAll(candidates, candidate => candidate.Tenure);
        _indexes = new int[_tenures.Where(tenure => tenure != Tenure.None).Select(tenure => tenure.Index + 1).DefaultIfEmpty().Max()];
        Array.Fill(_indexes, None);
        for (var index = 0; index < _tenures.Length; index++)
        {
            if (_tenures[index] != Tenure.None)
            {
                _indexes[_tenures[index].Index] = index;
            }
        }
    }

    /// <summary>-1 if the tenure is over.</summary>
    public int IndexOf(Tenure tenure) =>
        tenure.Index < _indexes.Length && _indexes[tenure.Index] is >= 0 and var index && _tenures[index] == tenure ? index : None;

    public Tenure Of(int index) => _tenures[index];
}
