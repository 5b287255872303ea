using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>The parts of a balancer that deal with orders, with their own clock.</summary>
internal sealed class TestPeer
{
    public TestPeer(int nodes, TimeSpan ahead = default, ulong seed = HashingOptions.DefaultSeed, int idle = 0)
    {
        Time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000) + ahead);
        Book = new OrderBook(Time);
        Registry = Registries.Empty(Time, orders: Book);
        Registry.SetMembers(Registries.Endpoints(nodes));
        Orders = new OperatorOrders(Book, Registry);
        Exchange = new PeerExchange(Book, Orders, Registry, new HashingOptions(seed, 32, 64), new SelectionOptions(0, TimeSpan.Zero, TimeSpan.FromSeconds(idle)), Time);
    }

    public FakeTimeProvider Time { get; }

    public OrderBook Book { get; }

    public BackendRegistry Registry { get; }

    public OperatorOrders Orders { get; }

    public PeerExchange Exchange { get; }

    /// <summary>The state of the nodes after the orders.</summary>
    public IEnumerable<(string Id, bool IsDrained, double Weight)> Nodes => Registry.Current.Backends.Select(known =>
        (known.Id, known.Health.DrainReasons.HasFlag(DrainReasons.Operator), known.Weight));

    public Backend Node(int number) => Registry.Find($"api-{number}:80");

    public Task<PeerResponse> AskAsync(PeerRequest question, CancellationToken cancellationToken) => Task.FromResult(Exchange.Respond(question));

    /// <summary>Synchronizes this one and another.</summary>
    public Task<PeerKnowledge> ExchangeWith(TestPeer other, long told = long.MaxValue) =>
        Exchange.RunAsync(other.AskAsync, told, ClusterView.Unknown, CancellationToken.None);
}
