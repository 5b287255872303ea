using CsCheck;
using Kiro.Balancer.Peers;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>Whatever happens to messages, balancers that can communicate again agree on the last order of each kind.</summary>
public sealed class ConvergenceTests
{
    private const int Balancers = 3;
    private const int Nodes = 4;

    private static readonly Gen<(int What, int At, int Other, int Node, int Luck)[]> Histories =
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, Balancers - 1], Gen.Int[0, Balancers - 1], Gen.Int[1, Nodes], Gen.Int[0, 1 << 20]).Array[1, 60];

    [Fact]
    public void RunAsync_AnyHistoryOfOrdersAndLosses_ConvergesOnTheLastOrders() => Histories.Sample(history =>
    {
        // Clocks that are not adjusted.
        var balancers = Enumerable.Range(0, Balancers).Select(number => new TestPeer(Nodes, TimeSpan.FromMinutes(10 * number))).ToArray();
        var given = new List<Order>();
        foreach (var (what, at, other, node, luck) in history)
        {
            var (balancer, before) = (balancers[at], balancers[at].Book.All);
            switch (what)
            {
                case 0:
                    balancer.Orders.Drain(balancer.Node(node));
                    break;
                case 1:
                    balancer.Orders.Resume(balancer.Node(node));
                    break;
                case 2:
                    balancer.Orders.SetWeight(balancer.Node(node), luck % 2 == 0 ? null : 1 + luck % 7);
                    break;
                case 3:
                    balancer.Time.Advance(TimeSpan.FromMilliseconds(luck % 2000));
                    break;
                case 4:
                    // Some old messages arrive late, reordered, and twice.
                    var random = new Random(luck);
                    var late = given.Where(_ => random.Next(2) == 0).ToArray();
                    random.Shuffle(late);
                    balancer.Orders.Merge([.. late, .. late.Take(2)]);
                    break;
                default:
                    if (at != other)
                    {
                        balancer.ExchangeWith(balancers[other], luck % 2 == 0 ? 0 : long.MaxValue).Wait();
                    }

                    break;
            }

            if (what < 3)
            {
                var last = balancer.Book.All.Except(before).Single();
                given.Add(last);
                Assert.All(before.Where(order => (order.Backend, order.Kind) == (last.Backend, last.Kind)), order => Assert.True(last.IsAfter(order)));
            }
        }

        // A chain: none is connected to all.
        for (var round = 0; round < 2; round++)
        {
            balancers[0].ExchangeWith(balancers[1]).Wait();
            balancers[2].ExchangeWith(balancers[1]).Wait();
        }

        var winners = given.GroupBy(order => (order.Backend, order.Kind))
            .Select(group => group.Aggregate((best, order) => order.IsAfter(best) ? order : best)).ToHashSet();
        foreach (var balancer in balancers)
        {
            Assert.True(winners.SetEquals(balancer.Book.All));
            Assert.Equal(
                Enumerable.Range(1, Nodes).Select(node => $"api-{node}:80").Select(id => (
                    id,
                    winners.Any(order => order.Backend == id && order is { Kind: Order.Drain, Value: not null }),
                    Order.WeightOf(winners.SingleOrDefault(order => order.Backend == id && order.Kind == Order.Weight)?.Value) ?? 1)),
                balancer.Nodes);
            balancer.Registry.Current.Selector.Ranking.Retire();
        }
    }, iter: 100);

    [Fact]
    public async Task RunAsync_MoreOrdersThanFitAMessage_SendsAll()
    {
        const int Many = 3 * PeerExchange.MaxOrders;
        var (one, other) = (new TestPeer(Many), new TestPeer(Many));
        for (var node = 1; node <= Many; node++)
        {
            (node % 2 == 0 ? one : other).Book.Issue($"api-{node}:80", Order.Drain, "drain");
        }

        var knowledge = await one.ExchangeWith(other);

        Assert.Equal((Many, Many), (one.Book.Count, other.Book.Count));
        Assert.True(knowledge.IsInSync);
    }

    [Fact]
    public async Task RunAsync_WithItself_DetectsIt()
    {
        var one = new TestPeer(1);

        Assert.True((await one.ExchangeWith(one)).IsSelf);
    }

    [Fact]
    public async Task RunAsync_OrderForABackendUnknownToThePeer_WaitsThereAndIsNotSentBack()
    {
        var (one, other) = (new TestPeer(3), new TestPeer(2));
        one.Orders.Drain(one.Node(3));
        var knowledge = await one.ExchangeWith(other);

        Assert.Equal(1, other.Book.Count);
        Assert.False(knowledge.IsInSync);
        Assert.Equal([new Difference(DifferenceKind.Missing, "api-3:80")], knowledge.Differences);
        // It is removed at the only one that knew it, so it is no longer sent.
        one.Registry.SetMembers(Backends.Registries.Endpoints(2));
        await other.ExchangeWith(one);
        await one.ExchangeWith(other);
        Assert.Empty(one.Book.All);
    }
}
