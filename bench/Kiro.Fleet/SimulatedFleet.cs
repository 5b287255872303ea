using Kiro.Balancer.Selection;

namespace Kiro.Fleet;

/// <summary>Nodes, balancers and clients, and the actions of scenarios on them.</summary>
internal sealed class SimulatedFleet
{
    private readonly Random _random;
    private readonly List<SimulatedNode> _nodes = [];
    private Rendezvous? _ranking;

    /// <param name="size">The size.</param>
    /// <param name="seed">The same seed gives the same run.</param>
    public SimulatedFleet(FleetSize size, int seed)
    {
        (Size, _random) = (size, new Random(seed));
        Add(size.Nodes);
        Balancers = [.. Enumerable.Range(0, size.Balancers).Select(number =>
            new SimulatedBalancer(Agenda, seed + number + 1, size.RequestsPerSecond / size.Balancers / size.Nodes))];
        foreach (var balancer in Balancers)
        {
            balancer.Discover(_nodes);
        }
    }

    public FleetSize Size { get; }

    public Agenda Agenda { get; } = new();

    public IReadOnlyList<SimulatedBalancer> Balancers { get; }

    /// <summary>The nodes that discovery returns.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>A random time from 0 to <paramref name="max"/>.</summary>
    public TimeSpan Chance(TimeSpan max) => max * _random.NextDouble();

    /// <summary>Adds nodes, which discovery has not returned yet.</summary>
    public IReadOnlyList<SimulatedNode> Add(int count)
    {
        var added = Enumerable.Range(_nodes.Count, count).Select(number => new SimulatedNode(number)).ToList();
        _nodes.AddRange(added);
        return added;
    }

    /// <summary>Changes a node's condition, which the balancers' next requests encounter.</summary>
    public void Change(SimulatedNode node, NodeCondition condition)
    {
        node.Condition = condition;
        foreach (var balancer in Balancers)
        {
            balancer.Met(node);
        }
    }

    /// <summary>The nodes of these slots for a balancer with complete knowledge.</summary>
    public int[] Ideal(int[] slots)
    {
        if (_ranking?.Nodes.Count != _nodes.Count)
        {
            _ranking = new Rendezvous([.. _nodes.Select(node => new Candidate(node.Endpoint.Id, 1))], HashingOptions.DefaultSeed);
            _ranking.Ready.Wait();
        }

        var eligible = _nodes.Select(node => node.IsEligible).ToArray();
        var all = _ranking;
        return Array.ConvertAll(slots, slot => all.First(slot) is var first && eligible[first] ? first : all.FirstAmong(slot, eligible));
    }
}

/// <summary>The size of a fleet.</summary>
/// <param name="Nodes">The number of nodes.</param>
/// <param name="Balancers">The number of balancers.</param>
/// <param name="RequestsPerSecond">The total rate, distributed over all balancers.</param>
/// <param name="Step">Only every n-th slot is observed: 1 for all.</param>
internal sealed record FleetSize(int Nodes, int Balancers, double RequestsPerSecond, int Step)
{
    /// <summary>1,000 nodes, ten balancers, a million clients with a request every ten seconds.</summary>
    public static FleetSize Large { get; } = new(1000, 10, 100_000, 64);
}
