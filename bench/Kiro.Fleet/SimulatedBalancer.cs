using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Fleet;

/// <summary>
/// One balancer: the real registry, transitions, probe schedule and selection; only sockets and time are simulated.
/// </summary>
internal sealed class SimulatedBalancer
{
    /// <summary>The time until a connection is refused or a small response arrives.</summary>
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(1);

    /// <summary>The silence that raises suspicion, plus half the period of the watch.</summary>
    private static readonly TimeSpan Suspicion = TimeSpan.FromSeconds(1.25);

    private readonly Agenda _agenda;
    private readonly Random _random;
    private readonly double _requestsPerNode;
    private readonly HealthOptions _health = new();
    private readonly ProbeSchedule _schedule;
    private readonly BackendRegistry _registry;
    private readonly Dictionary<string, SimulatedNode> _nodes = [];
    private readonly Dictionary<string, int> _probes = [];
    private readonly HashSet<SimulatedNode> _unreachable = [];
    private (Rendezvous? Ranking, int[] Numbers) _places = (null, []);

    /// <param name="agenda">The event schedule.</param>
    /// <param name="seed">The seed of this balancer's random numbers.</param>
    /// <param name="requestsPerNode">Requests per second that this balancer sends to one node.</param>
    public SimulatedBalancer(Agenda agenda, int seed, double requestsPerNode)
    {
        (_agenda, _random, _requestsPerNode) = (agenda, new Random(seed), requestsPerNode);
        _schedule = new ProbeSchedule(_health);
        _registry = new BackendRegistry(
            new HashingOptions(HashingOptions.DefaultSeed, 32, 64), agenda.Time, NullLogger<BackendRegistry>.Instance, thresholds: _health.Thresholds);
    }

    /// <summary>Completes when the table is filled.</summary>
    public Task Ready => _registry.Current.Selector.Ranking.Ready;

    /// <summary>Discovery returns these nodes. New ones are probed immediately.</summary>
    public void Discover(IReadOnlyCollection<SimulatedNode> nodes)
    {
        var added = nodes.Where(node => _nodes.TryAdd(node.Endpoint.Id, node)).ToList();
        _registry.SetMembers(nodes.Select(node => node.Endpoint));
        foreach (var node in added)
        {
            ProbeIn(node, TimeSpan.FromMilliseconds(_random.Next(1000)));
        }
    }

    /// <summary>An operator's drain or resume reaches this balancer.</summary>
    public void Order(SimulatedNode node, bool isDrain)
    {
        if (Known(node) is not { } known)
        {
            return;
        }

        if (isDrain)
        {
            _registry.Drain(known.Backend);
        }
        else
        {
            _registry.Resume(known.Backend);
        }
    }

    /// <summary>The network between this balancer and the node fails, or recovers.</summary>
    public void Reach(SimulatedNode node, bool isReachable)
    {
        _ = isReachable ? _unreachable.Remove(node) : _unreachable.Add(node);
        Met(node);
    }

    /// <summary>The node's condition has changed: schedules the next request to it and its consequences.</summary>
    public void Met(SimulatedNode node)
    {
        // The time to the next request of a Poisson process.
        var next = TimeSpan.FromSeconds(-Math.Log(1 - _random.NextDouble()) / _requestsPerNode);
        switch (ConditionOf(node))
        {
            case NodeCondition.Refuses:
                _agenda.In(next + RoundTrip, () =>
                {
                    if (ConditionOf(node) == NodeCondition.Refuses && Known(node) is { State: BackendState.Up } known)
                    {
                        _registry.MarkDown(known.Backend, "connection refused");
                        ProbeIn(node, RoundTrip);
                    }
                });
                break;
            case NodeCondition.IsSilent:
                _agenda.In(next + Suspicion, () =>
                {
                    if (ConditionOf(node) == NodeCondition.IsSilent && Known(node) is { State: BackendState.Up } known)
                    {
                        _registry.Suspect(known.Backend, "no response to requests");
                        ProbeIn(node, TimeSpan.Zero);
                    }
                });
                break;
            case NodeCondition.Drains:
                // Its responses close their connections, which triggers a probe.
                _agenda.In(next + RoundTrip, () => ProbeIn(node, TimeSpan.Zero));
                break;
        }
    }

    /// <summary>The node's condition as seen by this balancer.</summary>
    public NodeCondition ConditionOf(SimulatedNode node) => _unreachable.Contains(node) ? NodeCondition.IsSilent : node.Condition;

    /// <summary>The number of the node that serves a slot; -1 if none is known.</summary>
    public int Choose(int slot)
    {
        var snapshot = _registry.Current;
        if (_places.Ranking != snapshot.Selector.Ranking)
        {
            _places = (snapshot.Selector.Ranking, [.. snapshot.Backends.Select(known => _nodes[known.Id].Number)]);
        }

        return snapshot.Selector.First(slot) is >= 0 and var place ? _places.Numbers[place] : -1;
    }

    private KnownBackend? Known(SimulatedNode node) => _registry.Current.Find(node.Endpoint.Id) is [var known, ..] ? known : null;

    // Replaces a probe that is already scheduled.
    private void ProbeIn(SimulatedNode node, TimeSpan delay)
    {
        var appointment = _probes[node.Endpoint.Id] = _probes.GetValueOrDefault(node.Endpoint.Id) + 1;
        _agenda.In(delay, () =>
        {
            if (_probes[node.Endpoint.Id] == appointment)
            {
                Probe(node, appointment);
            }
        });
    }

    private void Probe(SimulatedNode node, int appointment)
    {
        var (outcome, takes) = ConditionOf(node) switch
        {
            NodeCondition.Serves => (ProbeOutcome.Passed, RoundTrip),
            NodeCondition.Drains => (ProbeOutcome.Draining, RoundTrip),
            NodeCondition.Refuses => (ProbeOutcome.Refused, RoundTrip),
            _ => (ProbeOutcome.ConnectTimedOut, _health.Timeout),
        };
        _agenda.In(takes, () =>
        {
            if (Known(node) is not { } known)
            {
                return;
            }

            _registry.Probed(known.Backend, new ProbeResult(outcome, outcome is ProbeOutcome.Passed or ProbeOutcome.Draining ? takes : null, outcome.ToString(), null));
            if (_probes[node.Endpoint.Id] == appointment && Known(node) is { } after)
            {
                ProbeIn(node, _schedule.Next(after.Health, _registry.Current, _registry.Now.Uptime, _random.NextDouble()));
            }
        });
    }
}
