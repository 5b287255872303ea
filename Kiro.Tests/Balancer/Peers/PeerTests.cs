using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Peers;

public sealed class PeerTests
{
    private readonly PeerAddress _address = new(new PeerName("http", "192.0.2.7", 13003), IPAddress.Parse("192.0.2.7"));
    private readonly TestPeer _mine = new(2);

    [Fact]
    public async Task ExchangeAsync_TransientDifference_IsNotReported()
    {
        var theirs = new TestPeer(2);
        var peer = Peer(theirs);
        _mine.Registry.Set("api-1:80", BackendVerdict.Up);
        await ExchangeFor(peer, 20);
        theirs.Registry.Set("api-1:80", BackendVerdict.Up);
        await ExchangeFor(peer, 20);
        _mine.Registry.Set("api-1:80", BackendVerdict.Down);
        await ExchangeFor(peer, 20);

        Assert.Empty(peer.State.Persistent);
    }

    [Fact]
    public async Task ExchangeAsync_PersistentDifferences_AreReported()
    {
        var theirs = new TestPeer(3, seed: 1);
        var peer = Peer(theirs);
        _mine.Registry.Set("api-1:80", BackendVerdict.Up);
        theirs.Registry.Set("api-2:80", BackendVerdict.Up);
        await ExchangeFor(peer, 35);

        Assert.Equal(
            [
                "has different hashing settings (HASH_SEED, HASH_IPV4_PREFIX, HASH_IPV6_PREFIX), so it sends clients to different nodes",
                "knows api-3:80, which this balancer does not",
                "sees api-1:80 starting, and this balancer up",
                "sees api-2:80 up, and this balancer starting",
            ],
            Difference.Describe(peer.State.Persistent));
    }

    [Theory]
    [InlineData(600, 600, null)]
    [InlineData(600, 0, "has SESSION_IDLE=0, and this balancer 600: a client that changes balancers may lose its session")]
    [InlineData(0, 600, "has SESSION_IDLE=600, and this balancer 0: a client that changes balancers may lose its session")]
    [InlineData(600, 300, "has SESSION_IDLE=300, and this balancer 600: a session may end with one of them and go on with the other")]
    [InlineData(600, null, "is of a version that does not share sessions: a client that changes balancers may lose its session")]
    [InlineData(0, null, null)]
    public async Task ExchangeAsync_DifferentSessionIdle_IsReported(int mine, int? theirs, string? words)
    {
        var (one, other) = (new TestPeer(1, idle: mine), new TestPeer(1, idle: theirs ?? 0));
        var peer = new Peer(_address, async (question, stop) => await other.AskAsync(question, stop) is var response && theirs is null
            ? response with { SessionIdle = null }
            : response, one.Exchange, one.Time, NullLogger.Instance);
        for (var passed = 0; passed < 35; passed += 5)
        {
            await peer.ExchangeAsync(CancellationToken.None);
            one.Time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.Equal(words is null ? [] : [words], Difference.Describe(peer.State.Persistent));
    }

    [Fact]
    public async Task ExchangeAsync_OrderDatedFarAhead_IsReportedAsADifference()
    {
        var theirs = new TestPeer(2, OrderBook.MaxAhead * 2);
        var peer = Peer(theirs);
        theirs.Orders.Drain(theirs.Node(1));
        await ExchangeFor(peer, 35);

        Assert.Equal(["has api-1:80 drained by an operator, and this balancer has not"], Difference.Describe(peer.State.Persistent));
        Assert.True(_mine.Book.Refused > 0);
    }

    [Fact]
    public async Task ExchangeAsync_PeerIsDown_IsUnreachableSinceThen()
    {
        var (theirs, isGone) = (new TestPeer(2), false);
        var peer = Peer((question, stop) => isGone ? throw new PeerException("does not respond") : theirs.AskAsync(question, stop));
        await ExchangeFor(peer, 10);
        Assert.True(peer.State.IsReachable);
        isGone = true;
        await ExchangeFor(peer, 5);
        var since = peer.State.Since;
        await ExchangeFor(peer, 40);

        Assert.Equal((false, "does not respond", since), (peer.State.IsReachable, peer.State.Problem, peer.State.Since));
        // Its last response is still known.
        Assert.Equal(2, peer.State.Knowledge!.View.Nodes.Count);
        theirs.Orders.Drain(theirs.Node(1));
        isGone = false;
        await ExchangeFor(peer, 5);
        Assert.True(peer.State.IsReachable);
        Assert.Equal(theirs.Nodes, _mine.Nodes);
    }

    [Fact]
    public async Task ExchangeAsync_NothingNew_SendsNeitherOrdersNorNodes()
    {
        var (theirs, questions, responses) = (new TestPeer(2), new List<PeerRequest>(), new List<PeerResponse>());
        var peer = Peer(async (question, stop) =>
        {
            questions.Add(question);
            responses.Add(await theirs.AskAsync(question, stop));
            return responses[^1];
        });
        _mine.Orders.Drain(_mine.Node(1));
        await ExchangeFor(peer, 10);
        questions.Clear();
        responses.Clear();
        await ExchangeFor(peer, 5);

        Assert.Empty(Assert.Single(questions).Orders!);
        Assert.Empty(Assert.Single(responses).Orders!);
        Assert.Null(responses[0].Nodes);
    }

    private Peer Peer(TestPeer theirs) => Peer(theirs.AskAsync);

    private Peer Peer(AskPeer ask) => new(
        _address, ask, _mine.Exchange, _mine.Time, NullLogger.Instance);

    private async Task ExchangeFor(Peer peer, int seconds)
    {
        for (var passed = 0; passed < seconds; passed += 5)
        {
            await peer.ExchangeAsync(CancellationToken.None);
            _mine.Time.Advance(TimeSpan.FromSeconds(5));
        }
    }
}
