using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Forwarding.Differential;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>A million clients on five nodes, also with similar addresses and names.</summary>
public sealed class BalanceTests(ITestOutputHelper output)
{
    private const int Clients = 1_000_000;

    public static TheoryData<string, string> Cases { get; } = new()
    {
        { "sequential", "ports in a row" }, { "sequential", "addresses in a row" }, { "sequential", "names in a row" },
        { "sequential", "last character" }, { "every 256th", "ports in a row" }, { "random", "names in a row" },
        { "sequential /64", "last character" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void First_MillionClients_AreBalanced(string clients, string nodes)
    {
        var hash = new ClientHash(new HashingOptions(Nodes.Seed, 32, 64));
        var ranking = NodesOf(nodes).Rank();
        var counts = new int[5];
        var random = new Random(7);
        for (var client = 0; client < Clients; client++)
        {
            counts[ranking.First(hash.Slot(ClientOf(clients, client, random)))]++;
        }

        output.WriteLine($"{clients} clients, {nodes}: max/mean {counts.Peak():0.0000}");
        Assert.InRange(counts.Peak(), 1, 1.02);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(25)]
    public void FirstAmong_NodeDies_ItsClientsSpreadEvenly(int count)
    {
        var ranking = Nodes.Many(count).Rank();
        for (var dead = 0; dead < count; dead += count / 5)
        {
            var eligible = Enumerable.Repeat(true, count).ToArray();
            eligible[dead] = false;
            var heirs = new int[count];
            for (var slot = 0; slot < ClientHash.SlotCount; slot++)
            {
                if (ranking.FirstAmong(slot, []) == dead)
                {
                    heirs[ranking.FirstAmong(slot, eligible)]++;
                }
            }

            var peak = heirs.Where((_, place) => place != dead).ToList().Peak();
            output.WriteLine($"node {dead} of {count}: max/mean of its heirs {peak:0.0000}");
            Assert.Equal(0, heirs[dead]);
            Assert.InRange(peak, 1, 1.1);
        }
    }

    [Fact]
    public void First_TwoOfFiveDie_ClientsSpreadEvenly()
    {
        var ranking = Nodes.Many(5).Rank();
        var counts = new int[5];
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            counts[ranking.FirstAmong(slot, [true, false, true, false, true])]++;
        }

        Assert.InRange(counts.Where(count => count > 0).ToList().Peak(), 1, 1.02);
    }

    private static Candidate[] NodesOf(string kind) => Nodes.Named([.. Enumerable.Range(1, 5).Select(node => kind switch
    {
        "ports in a row" => $"127.0.0.1:{13003 + node}",
        "addresses in a row" => $"172.18.0.{node + 2}:13004",
        "names in a row" => $"api-{node}:13004",
        _ => $"a-rather-long-and-always-equal-name-of-a-node-in-some-namespace.svc.cluster.local:1300{node}",
    })]);

    private static ClientAddress ClientOf(string kind, int client, Random random) => new(kind switch
    {
        "sequential" => IPv4(0x0A00_0000 + (uint)client),
        "every 256th" => IPv4((uint)client << 8),
        "random" => IPv4((uint)random.NextInt64(1L << 32)),
        _ => ((UInt128)0x2001_0DB8_0000_0000 + (UInt128)(uint)client) << 64 | (UInt128)(uint)random.Next(),
    });

    private static UInt128 IPv4(uint address) =>
        ClientAddress.From(new IPAddress([(byte)(address >> 24), (byte)(address >> 16), (byte)(address >> 8), (byte)address])).Value;
}
