using System.Net;
using BenchmarkDotNet.Attributes;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Bench;

/// <summary>From a client's address to its node, as for every request. The limit: 100 ns and no allocations.</summary>
[MemoryDiagnoser]
public class PickNode
{
    private const int Clients = 4096;

    private readonly IPAddress[] _clients = new IPAddress[Clients];
    private readonly ClientHash _hash = new(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));
    private Selector _selector = null!;
    private int _next;

    [Params(5, 24, 100, 1000)]
    public int Nodes { get; set; }

    [Params(false, true)]
    public bool MixedWeights { get; set; }

    [GlobalSetup]
    public async Task Setup()
    {
        var random = new Random(1);
        for (var client = 0; client < Clients; client++)
        {
            var bytes = new byte[4];
            random.NextBytes(bytes);
            _clients[client] = new IPAddress(bytes);
        }

        var nodes = Enumerable.Range(0, Nodes)
            .Select(node => new Candidate($"api-{node + 1}:13004", MixedWeights ? 1 + node % 5 : 1))
            .ToArray();
        var ranking = new Rendezvous(nodes, HashingOptions.DefaultSeed);
        await ranking.Ready;
        _selector = new Selector(nodes, ranking, SelectionOptions.Off);
    }

    [Benchmark]
    public int AddressToNode()
    {
        var client = ClientAddress.From(_clients[_next++ % Clients]);
        return _selector.First(_hash.Slot(client));
    }
}
