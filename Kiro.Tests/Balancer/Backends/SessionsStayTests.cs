using System.Globalization;
using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>
/// 500 clients, each with a session in the memory of one process, while the cluster changes. A session
/// breaks when a request reaches another process, which is unavoidable when its own process is gone or leaving.
/// </summary>
public sealed class SessionsStayTests : IDisposable
{
    private const int Count = 500;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(600);

    private readonly RecentSlots _recent = new();

    [Theory]
    [InlineData("scale 5 -> 10", 0)]
    [InlineData("kill and return", 1)]
    [InlineData("weight change", 0)]
    [InlineData("operator's drain and resume", 0)]
    [InlineData("rolling restart", 5)]
    [InlineData("scale 5 -> 10, a kill, a drain, a weight and back to 5", 6)]
    public void Requests_WhileTheClusterChanges_BreakNoSessionUnnecessarily(string change, int processesGone)
    {
        var world = new World(_recent, Idle);
        var without = new World(_recent, TimeSpan.Zero);
        world.Play(change);
        without.Play(change);

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{change}: {world.Unneeded} sessions broken without need and {world.Needed} with their process; {without.Unneeded} and {without.Needed} without SESSION_IDLE"));
        Assert.Equal(0, world.Unneeded);
        Assert.Equal(processesGone, world.Gone);
        Assert.InRange(world.Needed, processesGone > 0 ? 50 : 0, processesGone * Count / 2);
        Assert.True(without.Unneeded > 50, $"{without.Unneeded} are too few to show anything");

        world.Pause(Idle + TimeSpan.FromSeconds(1));
        Assert.Equal(world.Plain(), world.Serve());
    }

    public void Dispose() => _recent.Dispose();

    private sealed class World
    {
        private readonly FakeTimeProvider _time = new();
        private readonly BackendRegistry _registry;
        private readonly BackendChooser _chooser;
        private readonly int[] _slots;
        private readonly Dictionary<int, string> _sessions = [];
        private readonly Dictionary<string, int> _processes = [];

        public World(RecentSlots recent, TimeSpan idle)
        {
            var options = new SelectionOptions(0, TimeSpan.Zero, idle);
            var hash = new ClientHash(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));
            _slots = [.. Enumerable.Range(0, Count).Select(client => hash.Slot(ClientAddress.From(new IPAddress([203, 0, (byte)(113 + client / 250), (byte)(client % 250)]))))];
            _registry = Registries.Up(5, _time, options: options);
            _chooser = new BackendChooser(_registry, recent, options.KeepsSessions ? new SessionTable(idle, _time) : null);
            Serve();
        }

        /// <summary>Sessions that broke although their process was available.</summary>
        public int Unneeded { get; private set; }

        /// <summary>Sessions whose process was gone or leaving.</summary>
        public int Needed { get; private set; }

        /// <summary>Processes that ended.</summary>
        public int Gone { get; private set; }

        public void Play(string change)
        {
            var leaving = change.Split(',', StringSplitOptions.TrimEntries);
            foreach (var step in leaving.Length > 1 ? ["scale 5 -> 10", "kill and return", "operator's drain and resume", "weight change", "back to 5"] : leaving)
            {
                PlayOne(step);
            }
        }

        /// <summary>Every client sends a request; returns the nodes that served them.</summary>
        public string[] Serve()
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return Array.ConvertAll(_slots, slot =>
            {
                var id = _chooser.First(slot)!.Value.Backend.Id;
                var process = $"{id}#{_processes.GetValueOrDefault(id)}";
                if (_sessions.TryGetValue(slot, out var session) && session != process)
                {
                    (Needed, Unneeded) = IsThere(session) ? (Needed, Unneeded + 1) : (Needed + 1, Unneeded);
                }

                _sessions[slot] = process;
                return id;
            });
        }

        public string[] Plain() => Array.ConvertAll(_slots, slot => _registry.Current.Choose(slot)!.Id);

        public void Pause(TimeSpan time) => _time.Advance(time);

        private void PlayOne(string change)
        {
            switch (change)
            {
                case "scale 5 -> 10":
                    _registry.SetMembers(Registries.Endpoints(10));
                    Serve();
                    foreach (var id in _registry.Ids())
                    {
                        _registry.Set(id, BackendVerdict.Up);
                        Serve();
                    }

                    break;
                case "kill and return":
                    End("api-2:80");
                    _registry.MarkDown(_registry.Find("api-2:80"), "connection refused");
                    Serve();
                    _registry.Set("api-2:80", BackendVerdict.Up);
                    Serve();
                    break;
                case "weight change":
                    _registry.SetWeight(_registry.Find("api-3:80"), 3);
                    Serve();
                    _registry.SetWeight(_registry.Find("api-3:80"), 0.1);
                    Serve();
                    break;
                case "operator's drain and resume":
                    _registry.Drain(_registry.Find("api-4:80"));
                    Serve();
                    _registry.Resume(_registry.Find("api-4:80"));
                    Serve();
                    break;
                case "rolling restart":
                    foreach (var id in _registry.Ids())
                    {
                        _registry.SayDraining(id);
                        End(id);
                        Serve();
                        _registry.Set(id, BackendVerdict.Down);
                        Serve();
                        _registry.Set(id, BackendVerdict.Up);
                        Serve();
                    }

                    break;
                case "back to 5":
                    _registry.SetMembers(Registries.Endpoints(5));
                    var leaving = _registry.Ids().Where(id => _registry.StateOf(id) == BackendState.Draining).ToList();
                    leaving.ForEach(End);
                    Serve();
                    leaving.ForEach(id => _registry.Set(id, BackendVerdict.Down));
                    Serve();
                    break;
            }
        }

        private void End(string id)
        {
            Gone++;
            _processes[id] = _processes.GetValueOrDefault(id) + 1;
        }

        private bool IsThere(string session)
        {
            var (id, number) = (session.Split('#')[0], int.Parse(session.Split('#')[1], CultureInfo.InvariantCulture));
            return _processes.GetValueOrDefault(id) == number && _registry.Current.Backends.Any(backend => backend.Id == id);
        }
    }
}
