using Kiro.Balancer.Selection;
using Yarp.ReverseProxy.Model;

namespace Kiro.Yarp;

/// <summary>
/// The destinations of a cluster at one moment. They are ranked over all that are configured, and health is a filter on the
/// ranking: a destination that fails or comes back changes nothing for the clients of the others. Immutable.
/// </summary>
internal sealed class ClusterRanking
{
    /// <summary>Masks up to this size stand on the stack.</summary>
    private const int ShortMask = 256;

    private readonly ClusterModel _model;
    private readonly ClusterDestinationsState _state;
    private readonly Candidate[] _candidates;
    private readonly DestinationState[] _destinations;
    private readonly Dictionary<DestinationState, int> _places;
    private readonly bool[] _available;
    private readonly Rendezvous _ranking;

    /// <param name="cluster">As YARP knows it now.</param>
    /// <param name="key">What is hashed when the cluster does not say.</param>
    /// <param name="before">The ranking that this one replaces, if there is one.</param>
    /// <param name="rank">Makes a ranking of other destinations than before, after the last one.</param>
    public ClusterRanking(ClusterState cluster, ClientKey key, ClusterRanking? before, Func<Candidate[], Rendezvous?, Rendezvous> rank)
    {
        (_model, _state) = (cluster.Model, cluster.DestinationsState);
        Key = _model.Config.Metadata?.TryGetValue(ClientHashConstants.KeyMetadata, out var own) == true && ClientKey.TryParse(own, out var named) ? named : key;
        _destinations = [.. _state.AllDestinations];
        _candidates = Array.ConvertAll(_destinations, DestinationNode.Of);
        _places = new Dictionary<DestinationState, int>(_destinations.Length, ReferenceEqualityComparer.Instance);
        for (var place = 0; place < _destinations.Length; place++)
        {
            _places[_destinations[place]] = place;
        }

        _available = new bool[_destinations.Length];
        Mark(_state.AvailableDestinations, _available);
        _ranking = before?._candidates.AsSpan().SequenceEqual(_candidates) == true ? before._ranking : rank(_candidates, before?._ranking);
    }

    /// <summary>What is hashed for this cluster.</summary>
    public ClientKey Key { get; }

    /// <summary>Whether it still says what YARP knows.</summary>
    public bool IsOf(ClusterState cluster) => ReferenceEquals(_state, cluster.DestinationsState) && ReferenceEquals(_model, cluster.Model);

    /// <summary>Whether another one goes on with this one's ranking.</summary>
    public bool IsContinuedBy(ClusterRanking other) => ReferenceEquals(_ranking, other._ranking);

    /// <summary>Nobody will ask the ranking any more.</summary>
    public void Retire() => _ranking.Retire();

    /// <summary>The highest-ranked of the destinations that a request may go to.</summary>
    /// <param name="slot">The client's.</param>
    /// <param name="among">Those that YARP has left for the request.</param>
    /// <returns>Null when none is left.</returns>
    public DestinationState? Pick(int slot, IReadOnlyList<DestinationState> among)
    {
        if (!ReferenceEquals(among, _state.AvailableDestinations))
        {
            return PickOthers(slot, among);
        }

        var first = _ranking.First(slot);
        if (first >= 0 && !_available[first])
        {
            first = _ranking.FirstAmong(slot, _available);
        }

        return first < 0 ? null : _destinations[first];
    }

    // Some other middleware has left out more, or the destinations have changed since the request came in.
    private DestinationState? PickOthers(int slot, IReadOnlyList<DestinationState> among)
    {
        Span<bool> eligible = _destinations.Length <= ShortMask ? stackalloc bool[_destinations.Length] : new bool[_destinations.Length];
        eligible.Clear();
        if (Mark(among, eligible) > 0)
        {
            return _destinations[_ranking.FirstAmong(slot, eligible)];
        }

        var unknown = new Rendezvous([.. among.Select(DestinationNode.Of)], _ranking.Seed, isKept: false).First(slot);
        return unknown < 0 ? null : among[unknown];
    }

    private int Mark(IReadOnlyList<DestinationState> destinations, Span<bool> places)
    {
        var known = 0;
        for (var index = 0; index < destinations.Count; index++)
        {
            if (_places.TryGetValue(destinations[index], out var place))
            {
                places[place] = true;
                known++;
            }
        }

        return known;
    }
}
