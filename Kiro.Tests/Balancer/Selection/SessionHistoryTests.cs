using CsCheck;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>
/// Whatever nodes join, leave, die, drain, come back or change their weight, and whenever clients come: the choice is that of
/// a slow model, which remembers for every client its node and the time, and forgets both as the documentation says.
/// </summary>
public sealed class SessionHistoryTests
{
    private const int Names = 7;

    /// <summary>Time passes in steps that never end within the eighth of a second by which a session may outlast its time.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(7);

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private static readonly double[] Weights = [0.5, 1, 1, 1, 3];
    private static readonly int[] Clients = [.. Nodes.Slots(40)];

    private static readonly Gen<(int Kind, int Node, int Number)[]> Histories =
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, Names - 1], Gen.Int[0, Clients.Length - 1]).Array[1, 120];

    [Fact]
    public void First_AnyHistory_IsWhatRememberingEveryClientSays() => Histories.Sample(history =>
    {
        using var recent = new RecentSlots();
        var time = new FakeTimeProvider();
        var registry = Registries.Empty(time, options: new SelectionOptions(0, TimeSpan.Zero, Idle));
        var chooser = new BackendChooser(registry, recent, new SessionMemory(Idle, time));
        var model = new Model();
        foreach (var (kind, node, number) in history)
        {
            Play(kind, node, number, registry, time, model);
            // Some of the clients come, and all of them now and then.
            foreach (var client in kind > 12 ? Clients : Clients.Where((_, index) => index % Names == node))
            {
                Assert.Equal(model.Serve(client), chooser.First(client)?.Backend.Id);
            }
        }

        time.Advance(2 * Idle);
        model.Pass(2 * Idle);
        registry.Refresh();
        Assert.All(Clients, client => Assert.Equal(model.Plain(client), chooser.First(client)?.Backend.Id));
        registry.Current.Selector.Ranking.Retire();
    }, iter: 400);

    private static void Play(int kind, int node, int number, BackendRegistry registry, FakeTimeProvider time, Model model)
    {
        var id = Model.Id(node);
        var known = registry.Current.Backends.FirstOrDefault(backend => backend.Id == id);
        switch (kind)
        {
            case 0 or 1:
                model.Find(node, Weights[number % Weights.Length]);
                registry.SetMembers(model.Found());
                break;
            case 2:
                model.Lose(node);
                registry.SetMembers(model.Found());
                break;
            case 3 or 4 or 5 when known is not null:
                registry.Probed(known.Backend, new ProbeResult(ProbeOutcome.Passed, null, null, null));
                registry.Set(id, BackendVerdict.Up);
                model.Change(node, state => state with { IsUp = true, SaysDraining = false });
                break;
            case 6 when known is not null:
                registry.TakeOut(known.Backend, "connection refused");
                model.Change(node, state => state with { IsUp = false });
                break;
            case 7 when known?.Health.Verdict == BackendVerdict.Up:
                registry.SayDraining(id);
                model.Change(node, state => state with { SaysDraining = true });
                break;
            case 8 when known is not null:
                // Every other time with an end.
                var until = number % 2 == 0 ? (number * Step) : (TimeSpan?)null;
                registry.Drain(known.Backend, until);
                model.Change(node, state => state with { Order = Order.Drain, Left = until });
                break;
            case 9 when known is not null:
                registry.Evacuate(known.Backend);
                model.Change(node, state => state with { Order = Order.Evacuate, Left = null });
                break;
            case 10 when known is not null:
                registry.Resume(known.Backend);
                model.Change(node, state => state with { Order = Order.None, Left = null });
                break;
            case 11 when known is not null:
                registry.SetWeight(known.Backend, Weights[number % Weights.Length]);
                model.Change(node, state => state with { OperatorWeight = Weights[number % Weights.Length] });
                break;
            case 12 or 13 or 14:
                time.Advance((number + 1) * Step / 3);
                // The steps of three clocks add up to whole ones.
                time.Advance((number + 1) * Step - ((number + 1) * Step / 3));
                model.Pass((number + 1) * Step);
                registry.Refresh();
                break;
        }
    }

    private enum Order
    {
        None,
        Drain,
        Evacuate,
    }

    private sealed record NodeState(double Weight, bool IsFound = true, bool IsUp = false, bool SaysDraining = false, Order Order = Order.None)
    {
        /// <summary>How long a drain goes on.</summary>
        public TimeSpan? Left { get; init; }

        public double? OperatorWeight { get; init; }

        public bool Serves => IsUp && IsFound && !SaysDraining && Order == Order.None;

        public bool Keeps => IsUp && IsFound && !SaysDraining && Order != Order.Evacuate;
    }

    private sealed class Model
    {
        private readonly Dictionary<int, NodeState> _nodes = [];
        private readonly Dictionary<int, (int Node, TimeSpan Ago)> _sessions = [];

        public static string Id(int node) => $"api-{node}:80";

        public IEnumerable<BackendEndpoint> Found() =>
            _nodes.Where(node => node.Value.IsFound).Select(node => new BackendEndpoint($"api-{node.Key}", 80, node.Value.Weight));

        public void Find(int node, double weight)
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

        public void Lose(int node) => Change(node, state => state with { IsFound = false });

        public void Change(int node, Func<NodeState, NodeState> change)
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

        /// <summary>Who serves a client that comes now.</summary>
        public string? Serve(int client)
        {
            var node = _sessions.TryGetValue(client, out var session) ? session.Node : PlainNode(client);
            if (node is { } serving && _nodes[serving].Keeps)
            {
                _sessions[client] = (serving, TimeSpan.Zero);
            }

            return node is null ? null : Id(node.Value);
        }

        /// <summary>Who would if nobody were remembered.</summary>
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
                serving.ConvertAll(node => new Candidate(Id(node.Key), node.Value.OperatorWeight ?? node.Value.Weight)), Nodes.Seed, isKept: false);
            return serving[ranking.FirstAmong(client, [])].Key;
        }
    }
}
