namespace Kiro.Balancer.Selection;

/// <summary>
/// First and next choice among the nodes of one moment. The nodes are ranked over the whole membership and everything else
/// is a grade on the ranking: a node that goes down or comes back changes nothing for other nodes' clients. Immutable, and
/// choosing writes nothing.
/// </summary>
internal sealed class Selector
{
    private const int None = -1;

    /// <summary>Of more nodes than that, shares are what the weights make expect: to count slots would take seconds, and tell less
    /// than a share is.</summary>
    private const int MaxCounted = 1000;

    private readonly bool[] _available;
    private readonly BoundedLoad? _bound;
    private readonly SlowStart? _slowStart;
    private readonly Tenures _tenures;
    private volatile double[]? _shares;

    /// <param name="candidates">All known nodes.</param>
    /// <param name="ranking">Over the same nodes, in the same places.</param>
    /// <param name="options">Reasons to pass over a node that is up.</param>
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

    /// <summary>The ranking over all known nodes.</summary>
    public Rendezvous Ranking { get; }

    /// <summary>No node is up: every node is tried rather than none.</summary>
    public bool IsPanic { get; }

    /// <summary>Whether a node is on its way back, so that the next moment's choice will be another.</summary>
    public bool IsChanging => _slowStart is not null;

    /// <summary>The same when all clients will be home that are on their way.</summary>
    public Selector Settled => IsChanging ? new Selector(this) : this;

    /// <summary>Every node's share of all clients, by place, as a fraction of 1: the slots that it serves now.</summary>
    // Worked out once, however many people look at the status: with many nodes it takes milliseconds.
    public IReadOnlyList<double> Shares => _shares ??= WorkOutShares();

    /// <summary>The place of the node that serves a slot while none has more than its share; -1 when no node is known.</summary>
    public int First(int slot)
    {
        var first = Ranking.First(slot);
        return first < 0 || IsPanic || (_slowStart is null && _available[first])
            ? first
            : Ranking.First(slot, new Serving(_available, _slowStart, slot));
    }

    /// <summary>The same with the requests under way taken into account.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="loads">Read only when a bound is set.</param>
    /// <param name="home">The place that <see cref="First(int)"/> names; another one than the choice when the node has its share.</param>
    public int First(int slot, ILoads loads, out int home)
    {
        home = First(slot);
        return Bounded(slot, home, loads);
    }

    /// <summary>A place, or when the node there has its share of the requests under way the next-ranked one with room, if any.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="place">Where its request belongs; -1 for nowhere.</param>
    /// <param name="loads">Read only when a bound is set.</param>
    public int Bounded(int slot, int place, ILoads loads)
    {
        if (_bound is null || place < 0)
        {
            return place;
        }

        var perWeight = _bound.PerWeight(loads);
        if (_bound.HasRoom(place, perWeight, loads))
        {
            return place;
        }

        var next = Ranking.First(slot, new WithRoom(new Serving(_available, _slowStart, slot), _bound, perWeight, loads));
        return next < 0 ? place : next;
    }

    /// <summary>The place of the next-ranked node after those that a request has already tried; -1 when none is left.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="tried">By place.</param>
    public int Next(int slot, ReadOnlySpan<int> tried) => Ranking.First(slot, new Untried(IsPanic ? null : _available, tried));

    /// <summary>The place of the node that a slot's clients belong to while none has more than its share, or -1 when no node is up.</summary>
    public int Home(int slot) => IsPanic ? None : First(slot);

    /// <summary>The same for a slot that may be held.</summary>
    public int Home(int slot, Tenure holder) => PlaceOf(holder) is >= 0 and var place ? place : Home(slot);

    /// <summary>The place of the node that has a tenure; -1 when it has lost it.</summary>
    public int PlaceOf(Tenure tenure) => _tenures.PlaceOf(tenure);

    /// <summary>What the sessions of the node at a place are kept by; none when it keeps none.</summary>
    public Tenure TenureOf(int place) => _tenures.Of(place);

    private double[] WorkOutShares()
    {
        if (_available.Length > MaxCounted)
        {
            var weights = Ranking.Nodes.Select((node, place) => IsPanic || _available[place] ? node.Weight : 0).ToArray();
            var all = weights.Sum();
            return Array.ConvertAll(weights, weight => weight / all);
        }

        // Every 16th slot tells the share to a tenth of a percent.
        const int Step = 16;
        var slots = new int[_available.Length];
        for (var slot = 0; slot < ClientHash.SlotCount && slots.Length > 0; slot += Step)
        {
            slots[First(slot)]++;
        }

        return Array.ConvertAll(slots, count => count / (double)(ClientHash.SlotCount / Step));
    }

    /// <summary>Up; then up but held back by a slow start, for when there is nobody else.</summary>
    private readonly struct Serving(bool[] available, SlowStart? slowStart, int slot) : IGrading
    {
        public int Of(int place) => !available[place] ? Rendezvous.Grades : slowStart?.HoldsBack(slot, place) == true ? 1 : 0;
    }

    private readonly struct WithRoom(Serving serving, BoundedLoad bound, double perWeight, ILoads loads) : IGrading
    {
        public int Of(int place) => serving.Of(place) == 0 && bound.HasRoom(place, perWeight, loads) ? 0 : Rendezvous.Grades;
    }

    private readonly ref struct Untried(bool[]? available, ReadOnlySpan<int> tried) : IGrading
    {
        private readonly ReadOnlySpan<int> _tried = tried;

        public int Of(int place) => available?[place] != false && !_tried.Contains(place) ? 0 : Rendezvous.Grades;
    }
}

/// <summary>How many requests are under way at each node, by place.</summary>
internal interface ILoads
{
    int InFlight(int place);
}

/// <summary>
/// Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, arXiv 1608.01350): no node gets more than
/// factor × its share of the requests under way. What is too much goes to the next node in the client's own ranking, so that
/// it spreads over all others instead of falling onto one neighbour.
/// </summary>
internal sealed class BoundedLoad(Candidate[] candidates, int percent)
{
    private readonly double _allWeight = candidates.Where(candidate => candidate.IsAvailable).Sum(candidate => candidate.Weight);

    /// <summary>The bound as requests for one unit of weight, with one more request under way than now.</summary>
    public double PerWeight(ILoads loads)
    {
        var all = 1;
        for (var place = 0; place < candidates.Length; place++)
        {
            all += candidates[place].IsAvailable ? loads.InFlight(place) : 0;
        }

        return percent / 100.0 * all / _allWeight;
    }

    /// <summary>Whether one more request stays within the bound.</summary>
    public bool HasRoom(int place, double perWeight, ILoads loads) =>
        loads.InFlight(place) < Math.Ceiling(perWeight * candidates[place].Weight);
}

/// <summary>
/// Lets the clients of a node that came back home little by little: a slot of its own decides when, so that nobody moves more
/// than once.
/// </summary>
internal sealed class SlowStart
{
    private readonly double[] _homecoming;

    private SlowStart(double[] homecoming) => _homecoming = homecoming;

    /// <returns>Null when no node is on its way back.</returns>
    public static SlowStart? Of(Candidate[] candidates, TimeSpan duration)
    {
        var homecoming = Array.ConvertAll(candidates, candidate =>
            candidate.BackFor is { } backFor && duration > TimeSpan.Zero ? backFor / duration : 1);
        return homecoming.All(fraction => fraction >= 1) ? null : new SlowStart(homecoming);
    }

    /// <summary>Whether a slot's clients still stay away from the node.</summary>
    public bool HoldsBack(int slot, int place) =>
        _homecoming[place] < 1 && Rendezvous.Mix((ulong)slot) / (double)ulong.MaxValue >= _homecoming[place];
}

/// <summary>From the tenures of the nodes of one moment to their places, and back.</summary>
internal sealed class Tenures
{
    private const int None = -1;

    private readonly Tenure[] _byPlace;
    private readonly int[] _places;

    public Tenures(Candidate[] candidates)
    {
        _byPlace = Array.ConvertAll(candidates, candidate => candidate.Tenure);
        _places = new int[_byPlace.Where(tenure => tenure != Tenure.None).Select(tenure => tenure.Index + 1).DefaultIfEmpty().Max()];
        Array.Fill(_places, None);
        for (var place = 0; place < _byPlace.Length; place++)
        {
            if (_byPlace[place] != Tenure.None)
            {
                _places[_byPlace[place].Index] = place;
            }
        }
    }

    /// <summary>-1 when no node has it any more.</summary>
    public int PlaceOf(Tenure tenure) =>
        tenure.Index < _places.Length && _places[tenure.Index] is >= 0 and var place && _byPlace[place] == tenure ? place : None;

    public Tenure Of(int place) => _byPlace[place];
}
