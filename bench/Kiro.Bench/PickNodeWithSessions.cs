using System.Net;
using BenchmarkDotNet.Attributes;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Bench;

/// <summary>The same where sessions stay, for a million clients, who come in no order: hardly anything is in a cache. The bound: 100 ns
/// and no allocation.</summary>
[MemoryDiagnoser]
public class PickNodeWithSessions : ILoads
{
    private const int Clients = 1_000_000;

    private readonly ClientAddress[] _clients = new ClientAddress[Clients];
    private readonly ClientHash _hash = new(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));
    private readonly SessionMemory _sessions = new(TimeSpan.FromSeconds(600), TimeProvider.System);
    private readonly ulong[] _words = new ulong[ClientHash.SlotCount];
    private Selector _selector = null!;
    private int _next;

    [Params(5, 100, 1000)]
    public int Nodes { get; set; }

    [GlobalSetup]
    public async Task Setup()
    {
        var random = new Random(1);
        var bytes = new byte[4];
        for (var client = 0; client < Clients; client++)
        {
            random.NextBytes(bytes);
            _clients[client] = ClientAddress.From(new IPAddress(bytes));
        }

        var nodes = Enumerable.Range(0, Nodes)
            .Select(node => new Candidate($"api-{node + 1}:13004", 1, Tenure: Tenure.Of(node, 1)))
            .ToArray();
        var ranking = new Rendezvous(nodes, HashingOptions.DefaultSeed);
        await ranking.Ready;
        _selector = new Selector(nodes, ranking, SelectionOptions.Off);
        foreach (var client in _clients)
        {
            _words[_hash.Slot(client)] = (ulong)_sessions.First(_hash.Slot(client), _selector, this, out _);
        }
    }

    [Benchmark]
    public int AddressToNode()
    {
        var client = _clients[_next++ % Clients];
        return _sessions.First(_hash.Slot(client), _selector, this, out _);
    }

    /// <summary>What this machine's memory takes of it: the client's slot, and one word of as many.</summary>
    [Benchmark(Baseline = true)]
    public ulong AddressToWord() => _words[_hash.Slot(_clients[_next++ % Clients])];

    int ILoads.InFlight(int place) => 0;
}
