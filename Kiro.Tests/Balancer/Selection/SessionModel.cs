using CsCheck;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>The reference model of session affinity: keeps each client's node and time of use in a dictionary, and drops them as
/// documented.</summary>
internal sealed class SessionModel
{
    public const int Names = 7;

    public static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    public static readonly int[] Clients = [.. Nodes.Slots(40)];

    /// <summary>An event, the node that it is about, and a parameter.</summary>
    public static readonly Gen<(int Kind, int Node, int Number)> Events =
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, Names - 1], Gen.Int[0, Clients.Length - 1]);

    /// <summary>Time passes in steps that avoid the eighth of a second by which a session may outlast its timeout.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(7);

    private static readonly double[] Weights = [0.5, 1, 1, 1, 3];

    private readonly Dictionary<int, NodeState> _nodes = [];
    private readonly Dictionary<int, (int Node, TimeSpan Ago)> _sessions = [];

    /// <summary>Plays an event, first in the model and then with real session tables.</summary>
    public void Play((int Kind, int Node, int Number) happening, Action<TimeSpan> advance, params BackendRegistry[] registries)
    {
        var (kind, node, number) = happening;
        switch (kind)
        {
            case 0 or 1:
                Find(node, Weights[number % Weights.Length]);
                break;
            case 2:
                Lose(node);
                break;
            case 3 or 4 or 5:
                Change(node, state => state with { IsUp = true, SaysDraining = false });
                break;
            case 6:
                Change(node, state => state with { IsUp = false });
                break;
            case 7 when _nodes.TryGetValue(node, out var saying) && saying.IsUp:
                Change(node, state => state with { SaysDraining = true });
                break;
            case 8:
                Change(node, state => state with { Order = Order.Drain, Left = TimeoutOf(number) });
                break;
            case 9:
                Change(node, state => state with { Order = Order.Evacuate, Left = null });
                break;
            case 10:
                Change(node, state => state with { Order = Order.None, Left = null });
                break;
            case 11:
                Change(node, state => state with { OperatorWeight = Weights[number % Weights.Length] });
                break;
            case 12 or 13 or 14:
                advance((number + 1) * Step / 3);
                // The steps of three clocks add up to whole ones.
                advance((number + 1) * Step - ((number + 1) * Step / 3));
                Pass((number + 1) * Step);
                break;
        }

        Array.ForEach(registries, registry => Play(happening, registry));
    }

    /// <summary>The same with one whose view of the nodes may differ.</summary>
    public void Play((int Kind, int Node, int Number) happening, BackendRegistry registry)
    {
        var (kind, node, number) = happening;
        var known = registry.Current.Backends.FirstOrDefault(backend => backend.Id == Id(node));
        switch (kind)
        {
            case 0 or 1 or 2:
                registry.SetMembers(Found());
                break;
            case 3 or 4 or 5 when known is not null:
                registry.Probed(known.Backend, new ProbeResult(ProbeOutcome.Passed, null, null, null));
                registry.Set(known.Id, BackendVerdict.Up);
                break;
            case 6 when known is not null:
                registry.MarkDown(known.Backend, "connection refused");
                break;
            case 7 when known?.Health.Verdict == BackendVerdict.Up:
                registry.SayDraining(known.Id);
                break;
            case 8 when known is not null:
                registry.Drain(known.Backend, TimeoutOf(number));
                break;
            case 9 when known is not null:
                registry.Evacuate(known.Backend);
                break;
            case 10 when known is not null:
                registry.Resume(known.Backend);
                break;
            case 11 when known is not null:
                registry.SetWeight(known.Backend, Weights[number % Weights.Length]);
                break;
            case 12 or 13 or 14:
                registry.Refresh();
                break;
        }
    }

    /// <summary>The clients that send requests after an event: some, and now and then all.</summary>
    public static IEnumerable<int> Coming((int Kind, int Node, int Number) happening) =>
        happening.Kind > 12 ? Clients : Clients.Where((_, index) => index % Names == happening.Node);

    // Every other drain has a timeout.
    private static TimeSpan? TimeoutOf(int number) => number % 2 == 0 ? number * Step : null;

    private static string Id(int node) => $"api-{node}:80";

    private IEnumerable<BackendEndpoint> Found() =>
        _nodes.Where(node => node.Value.IsFound).Select(node => new BackendEndpoint($"api-{node.Key}", 80, node.Value.Weight));

    private void Find(int node, double weight)
    {
        if (_nodes.ContainsKey(node))
        {
            Change(node, state => state with { IsFound = true, Weight = weight });
        }
        else
        {
            _nodes[node] = new NodeState(weight);
        }
    }

    private void Lose(int node) => Change(node, state => state with { IsFound = false });

    private void Change(int node, Func<NodeState, NodeState> change)
    {
        if (!_nodes.TryGetValue(node, out var state))
        {
            return;
        }

        state = _nodes[node] = change(state);
        if (!state.Keeps)
        {
            foreach (var client in Clients.Where(client => _sessions.TryGetValue(client, out var session) && session.Node == node))
            {
                _sessions.Remove(client);
            }
        }

        if (!state.IsFound && !state.IsUp)
        {
            _nodes.Remove(node);
        }
    }

    public void Pass(TimeSpan time)
    {
        foreach (var client in Clients.Where(_sessions.ContainsKey))
        {
            _sessions[client] = _sessions[client] with { Ago = _sessions[client].Ago + time };
            if (_sessions[client].Ago > Idle)
            {
                _sessions.Remove(client);
            }
        }

        foreach (var (node, state) in _nodes.Where(node => node.Value.Left is not null).ToList())
        {
            Change(node, _ => state.Left > time
                ? state with { Left = state.Left - time }
                : state with { Left = null, Order = Order.Evacuate });
        }
    }

    /// <summary>The node that serves a client now.</summary>
    public string? Serve(int client)
    {
        var node = _sessions.TryGetValue(client, out var session) ? session.Node : PlainNode(client);
        if (node is { } serving && _nodes[serving].Keeps)
        {
            _sessions[client] = (serving, TimeSpan.Zero);
        }

        return node is null ? null : Id(node.Value);
    }

    /// <summary>The node that would without sessions.</summary>
    public string? Plain(int client) => PlainNode(client) is { } node ? Id(node) : null;

    private int? PlainNode(int client)
    {
        var serving = _nodes.Where(node => node.Value.Serves).ToList();
        serving = serving.Count > 0 ? serving : [.. _nodes];
        if (serving.Count == 0)
        {
            return null;
        }

        var ranking = new Rendezvous(
            serving.ConvertAll(node => new Candidate(Id(node.Key), node.Value.OperatorWeight ?? node.Value.Weight)), Nodes.Seed, useTable: false);
        return serving[ranking.FirstAmong(client, [])].Key;
    }

    private enum Order
    {
        None,
        Drain,
        Evacuate,
    }

    private sealed record NodeState(double Weight, bool IsFound = true, bool IsUp = false, bool SaysDraining = false, Order Order = Order.None)
    {
        /// <summary>The timeout of a drain.</summary>
        public TimeSpan? Left { get; init; }

        public double? OperatorWeight { get; init; }

        public bool Serves => IsUp && IsFound && !SaysDraining && Order == Order.None;

        public bool Keeps => IsUp && IsFound && !SaysDraining && Order != Order.Evacuate;
    }
}
