using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Bench;

/// <summary>The same with session affinity, for a million clients in random order, so that hardly anything is cached. The limit: 100 ns
/// and no allocations.</summary>
[MemoryDiagnoser]
public class PickNodeWithSessions : ILoads
{
    private const int Clients = 1_000_000;

    private readonly ClientHash _hash = new(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));
    private readonly SessionTable _sessions = new(TimeSpan.FromSeconds(600), TimeProvider.System);
    private readonly ulong[] _words = new ulong[ClientHash.SlotCount];
    private Selector _selector = null!;
    private int _next;
    private long _now;

    [Params(5, 100, 1000)]
    public int Nodes { get; set; }

    [GlobalSetup]
    public async Task Setup()
    {
        var nodes = Enumerable.Range(0, Nodes)
            .Select(node => new Candidate($"api-{node + 1}:13004", 1, Tenure: Tenure.Of(node, 1)))
            .ToArray();
        var ranking = new Rendezvous(nodes, HashingOptions.DefaultSeed);
        await ranking.Ready;
        _selector = new Selector(nodes, ranking, SelectionOptions.Off);
        for (var client = 0; client < Clients; client++)
        {
            var slot = _hash.Slot(Client(client));
            _words[slot] = (ulong)_sessions.First(slot, _selector, this, out _);
        }
    }

    [Benchmark]
    public int AddressToNode()
    {
        // Like an event loop, which reads the clock once per batch.
        if (_next++ % 16 == 0)
        {
            _now = Stopwatch.GetTimestamp();
        }

        return _sessions.First(_hash.Slot(Client(_next)), _selector, this, out _, _now);
    }

    /// <summary>The memory cost on this machine: the client's slot, and a read from as much memory.</summary>
    [Benchmark(Baseline = true)]
    public ulong AddressToWord() => _words[_hash.Slot(Client(_next++))];

    // A million addresses, each from a different /8 than the previous one.
    private static ClientAddress Client(int number) => new(0xFFFF_0000_0000UL | ((uint)(number % Clients) * 2_654_435_761));

    int ILoads.InFlight(int place) => 0;
}
