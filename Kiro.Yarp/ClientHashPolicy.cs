using System.Runtime.CompilerServices;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Kiro.Yarp;

/// <summary>Gives every client its own destination of a cluster.</summary>
internal sealed class ClientHashPolicy : ILoadBalancingPolicy, IClusterChangeListener
{
    private readonly ConditionalWeakTable<ClusterState, Ranked> _clusters = [];
    private readonly RequestSlot _slots;
    private readonly ClientKey _key;
    private int _tables;

    public ClientHashPolicy(IOptions<ClientHashOptions> options)
    {
        _slots = new RequestSlot(options);
        _ = ClientKey.TryParse(options.Value.Key, out _key);
    }

    /// <summary>The maximum number of clusters with a precomputed table of 2 MiB (<see cref="SlotTable"/>), which is used for
    /// more than <see cref="SlotTable.MinNodes"/> destinations or for weights; for others the same result is computed.</summary>
    private const int MaxTables = 16;

    public string Name => ClientHashConstants.PolicyName;

    /// <summary>On the path of every request: no locks, and for addresses no allocations.</summary>
    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        var ranked = _clusters.GetOrCreateValue(cluster);
        var ranking = ranked.Current is { } current && current.IsOf(cluster) ? current : Renew(ranked, cluster);
        return ranking.Pick(_slots.Of(context, ranking.Key), availableDestinations);
    }

    public void OnClusterAdded(ClusterState cluster)
    {
    }

    public void OnClusterChanged(ClusterState cluster)
    {
    }

    public void OnClusterRemoved(ClusterState cluster)
    {
        if (_clusters.TryGetValue(cluster, out var ranked))
        {
            lock (ranked)
            {
                ranked.Current?.Retire();
                ranked.Current = null;
                ReturnTable(ranked);
            }
        }
    }

    private ClusterRanking Renew(Ranked ranked, ClusterState cluster)
    {
        lock (ranked)
        {
            if (ranked.Current is { } current && current.IsOf(cluster))
            {
                return current;
            }

            var before = ranked.Current;
            var next = new ClusterRanking(cluster, _key, before, (candidates, last) => new Rendezvous(candidates, _slots.Seed, useTable: TakeTable(ranked, candidates), last));
            ranked.Current = next;
            if (before?.IsContinuedBy(next) == false)
            {
                before.Retire();
            }

            return next;
        }
    }

    private bool TakeTable(Ranked ranked, Candidate[] candidates)
    {
        var isWorthwhile = candidates.Length > SlotTable.MinNodes || candidates.DistinctBy(candidate => candidate.Weight).Count() > 1;
        if (!isWorthwhile)
        {
            ReturnTable(ranked);
        }
        else if (!ranked.HasTable)
        {
            ranked.HasTable = Interlocked.Increment(ref _tables) <= MaxTables;
            if (!ranked.HasTable)
            {
                Interlocked.Decrement(ref _tables);
            }
        }

        return ranked.HasTable;
    }

    private void ReturnTable(Ranked ranked)
    {
        if (ranked.HasTable)
        {
            ranked.HasTable = false;
            Interlocked.Decrement(ref _tables);
        }
    }

    /// <summary>The rankings of a cluster, written under its own lock.</summary>
    private sealed class Ranked
    {
        private volatile ClusterRanking? _current;

        public ClusterRanking? Current
        {
            get => _current;
            set => _current = value;
        }

        public bool HasTable { get; set; }
    }
}
