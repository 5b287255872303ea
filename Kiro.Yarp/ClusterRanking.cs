using System.Globalization;
using Kiro.Balancer.Selection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Kiro.Yarp;

/// <summary>
/// A snapshot of a cluster's destinations. The ranking includes all configured destinations, and health is a filter on
/// it: a destination that fails or returns does not affect the clients of the others. Immutable.
/// </summary>
internal sealed class ClusterRanking
{
    /// <summary>Masks up to this size are on the stack.</summary>
    private const int ShortMask = 256;

    private readonly ClusterModel _model;
    private readonly ClusterDestinationsState _state;
    private readonly Candidate[] _candidates;
    private readonly DestinationState[] _destinations;
    private readonly Dictionary<DestinationState, int> _indexes;
    private readonly bool[] _available;
    private readonly Rendezvous _ranking;

    /// <param name="cluster">The current state of the cluster.</param>
    /// <param name="key">What is hashed unless the cluster overrides it.</param>
    /// <param name="before">The previous ranking, if any.</param>
    /// <param name="rank">Creates a ranking of changed destinations from the previous one.</param>
    public ClusterRanking(ClusterState cluster, ClientKey key, ClusterRanking? before, Func<Candidate[], Rendezvous?, Rendezvous> rank)
    {
        (_model, _state) = (cluster.Model, cluster.DestinationsState);
        Key = _model.Config.Metadata?.TryGetValue(ClientHashConstants.KeyMetadata, out var own) == true && ClientKey.TryParse(own, out var named) ? named : key;
        _destinations = [.. _state.AllDestinations];
        _candidates = Array.ConvertAll(_destinations, DestinationNode.Of);
        _indexes = new Dictionary<DestinationState, int>(_destinations.Length, ReferenceEqualityComparer.Instance);
        for (var index = 0; index < _destinations.Length; index++)
        {
            _indexes[_destinations[index]] = index;
        }

        _available = new bool[_destinations.Length];
        Mark(_state.AvailableDestinations, _available);
        _ranking = before?._candidates.AsSpan().SequenceEqual(_candidates) == true ? before._ranking : rank(_candidates, before?._ranking);
    }

    /// <summary>What is hashed for this cluster.</summary>
    public ClientKey Key { get; }

    /// <summary>Whether it is current.</summary>
    public bool IsOf(ClusterState cluster) => ReferenceEquals(_state, cluster.DestinationsState) && ReferenceEquals(_model, cluster.Model);

    /// <summary>Whether another one shares this one's ranking.</summary>
    public bool IsContinuedBy(ClusterRanking other) => ReferenceEquals(_ranking, other._ranking);

    /// <summary>The ranking is no longer used.</summary>
    public void Retire() => _ranking.Retire();

    /// <summary>The highest-ranked of the available destinations.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="among">The destinations available for the request.</param>
    /// <returns>Null if there are none.</returns>
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

    // Other middleware has removed destinations, or they have changed since the request arrived.
    private DestinationState? PickOthers(int slot, IReadOnlyList<DestinationState> among)
    {
        Span<bool> eligible = _destinations.Length <= ShortMask ? stackalloc bool[_destinations.Length] : new bool[_destinations.Length];
        eligible.Clear();
        if (Mark(among, eligible) > 0)
        {
            return _destinations[_ranking.FirstAmong(slot, eligible)];
        }

        var unknown = new Rendezvous([.. among.Select(DestinationNode.Of)], _ranking.Seed, useTable: false).First(slot);
        return unknown < 0 ? null : among[unknown];
    }

    private int Mark(IReadOnlyList<DestinationState> destinations, Span<bool> marked)
    {
        var known = 0;
        // Not foreach, whose enumerator would be allocated for each request.
        for (var candidate = 0; candidate < destinations.Count; candidate++)
        {
            if (_indexes.TryGetValue(destinations[candidate], out var index))
            {
                marked[index] = true;
                known++;
            }
        }

        return known;
    }
}

/// <summary>A destination as a node of the ranking.</summary>
internal static class DestinationNode
{
    /// <summary>The allowed weights, to follow "expected".</summary>
    public const string AllowedWeight = "a number from 0.01 to 1000";

    public static Candidate Of(DestinationState destination)
    {
        var config = destination.Model.Config;
        // Invalid weights are rejected by the validator; 1 if it was bypassed.
        return new Candidate(IdOf(config.Address), TryReadWeight(config, out var weight) ? weight : 1);
    }

    /// <summary>
    /// The hashed id: the address, not the name in the configuration. <c>host:port</c> in lower case, IPv6 in brackets,
    /// like the node ids of a Kiro balancer, followed by the base path if there is one.
    /// </summary>
    public static string IdOf(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url))
        {
            return address;
        }

        var host = url.HostNameType == UriHostNameType.IPv6 ? $"[{url.IdnHost}]" : url.IdnHost;
        return $"{host.ToLowerInvariant()}:{url.Port}{url.AbsolutePath.TrimEnd('/')}";
    }

    public static bool TryReadWeight(DestinationConfig config, out double weight)
    {
        weight = 1;
        return config.Metadata?.TryGetValue(ClientHashConstants.WeightMetadata, out var text) != true
            || (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight) && weight is >= 0.01 and <= 1000);
    }
}
