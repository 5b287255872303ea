using System.Net;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Support;
using Kiro.Yarp;
using Yarp.ReverseProxy.Model;

namespace Kiro.Tests.Yarp;

public sealed class ClientHashPolicyTests
{
    private static readonly (string, double)[] Five = [.. Enumerable.Range(1, 5).Select(node => ($"10.0.0.{node}:8080", 1.0))];

    [Fact]
    public void Pick_GoldenTable_MatchesTheBalancer()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, GoldenTableTests.Known.Select(node => (node.Id, node.Weight)));
        var lines = GoldenTableTests.Table();

        Assert.Equal(lines.Select(line => line.Node), lines.Select(line => policy.Of(cluster, IPAddress.Parse(line.Client))));
    }

    [Fact]
    public void Pick_DestinationsInAnotherOrder_IsTheSame()
    {
        var (policy, other) = (Destinations.Policy(), Destinations.Policy());
        var (cluster, shuffled) = (Destinations.Cluster(null, Five), Destinations.Cluster(null, Five.Reverse()));

        Assert.All(Destinations.Clients(1000), client => Assert.Equal(policy.Of(cluster, client), other.Of(shuffled, client)));
    }

    [Fact]
    public void Pick_OneOfFiveFails_MovesOnlyItsClientsUntilItIsBack()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, Five);
        var clients = Destinations.Clients(5000).ToArray();
        var homes = Array.ConvertAll(clients, client => policy.Of(cluster, client));

        cluster.Fail("10.0.0.3:8080");
        var moved = Array.ConvertAll(clients, client => policy.Of(cluster, client));
        cluster.Fail();
        var after = Array.ConvertAll(clients, client => policy.Of(cluster, client));

        Assert.All(homes.Zip(moved), pair => Assert.Equal(pair.First == "10.0.0.3:8080", pair.First != pair.Second));
        // Evenly to the others.
        var shares = homes.Zip(moved).Where(pair => pair.First != pair.Second).CountBy(pair => pair.Second).Select(pair => pair.Value).ToList();
        Assert.Equal(4, shares.Count);
        Assert.True(shares.Peak() < 1.2, string.Join(' ', shares));
        Assert.Equal(homes, after);
    }

    [Fact]
    public void Pick_OneJoins_MovesClientsOnlyToIt()
    {
        var policy = Destinations.Policy();
        var (five, six) = (Destinations.Cluster(null, Five), Destinations.Cluster(null, [.. Five, ("10.0.0.6:8080", 1)]));
        var clients = Destinations.Clients(6000).ToList();

        var moved = clients.Where(client => policy.Of(five, client) != policy.Of(six, client)).ToList();

        Assert.All(moved, client => Assert.Equal("10.0.0.6:8080", policy.Of(six, client)));
        Assert.InRange(moved.Count, 900, 1100);
    }

    [Fact]
    public void Pick_Weights_AreShares()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, ("10.0.0.1:8080", 1), ("10.0.0.2:8080", 2), ("10.0.0.3:8080", 0.5));

        var counts = Destinations.Clients(200_000).CountBy(client => policy.Of(cluster, client)).ToDictionary(pair => pair.Key, pair => pair.Value / 200_000.0);

        Assert.Equal(1 / 3.5, counts["10.0.0.1:8080"], 0.005);
        Assert.Equal(2 / 3.5, counts["10.0.0.2:8080"], 0.005);
        Assert.Equal(0.5 / 3.5, counts["10.0.0.3:8080"], 0.005);
    }

    [Fact]
    public void Pick_MiddlewareFilteredDestinations_TakesTheHighestRankedOfTheRest()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, Five);
        var all = cluster.DestinationsState.AllDestinations;
        var client = new IPAddress([203, 0, 113, 7]);
        var home = policy.Of(cluster, client);
        DestinationState[] rest = [.. all.Where(destination => destination.Authority() != home)];

        var next = policy.PickDestination(Destinations.Request(client), cluster, rest)!.Authority();
        cluster.Fail(home);

        Assert.Equal(policy.Of(cluster, client), next);
    }

    [Fact]
    public void Pick_DestinationsReplacedMeanwhile_TakesOneOfThoseGiven()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, Five);
        var before = cluster.DestinationsState.AvailableDestinations;
        cluster.DestinationsState = Destinations.Cluster(null, ("10.0.1.1:8080", 1)).DestinationsState;

        var picked = policy.PickDestination(Destinations.Request(new IPAddress([203, 0, 113, 7])), cluster, before)!;

        Assert.Equal(policy.Of(Destinations.Cluster(null, Five), new IPAddress([203, 0, 113, 7])), picked.Authority());
    }

    [Theory]
    [InlineData(5, null)]
    [InlineData(5, "10.0.0.3:8080")]
    [InlineData(100, "10.0.0.3:8080")]
    public void Pick_AnyAddress_AllocatesNothing(int count, string? failing)
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, Enumerable.Range(1, count).Select(node => ($"10.0.0.{node}:8080", 1.0)));
        cluster.Fail(failing is null ? [] : [failing]);
        var requests = Destinations.Clients(251).Select(client => Destinations.Request(client))
            .Append(Destinations.Request(IPAddress.Loopback, ("X-Forwarded-For", "203.0.113.7, 127.0.0.1"))).ToArray();
        var picked = 0;

        var bytes = Allocated.By(run =>
            picked += policy.PickDestination(requests[run % requests.Length], cluster, cluster.DestinationsState.AvailableDestinations) is null ? 0 : 1);

        Assert.Equal(0, bytes);
        Assert.Equal(50_000, picked);
    }

    [Fact]
    public void Pick_AddressesSpelledDifferently_IsTheSame()
    {
        var policy = Destinations.Policy();
        var plain = Destinations.Cluster(null, ("api-1.example.org:80", 1), ("api-2.example.org:8080", 1), ("[2001:db8::6]:8080", 1));
        var spelled = Destinations.Cluster(null, ("API-1.example.org", 1), ("api-2.EXAMPLE.org:8080", 1), ("[2001:0DB8:0::6]:8080", 1));

        Assert.All(Destinations.Clients(500), client => Assert.Equal(policy.Of(plain, client), policy.Of(spelled, client)));
    }

    [Fact]
    public void Pick_OneServerWithTwoBasePaths_IsTwoDestinations()
    {
        var policy = Destinations.Policy();
        var cluster = Destinations.Cluster(null, ("10.0.0.1:8080/v1", 1), ("10.0.0.1:8080/v2", 1));

        var counts = Destinations.Clients(1000)
            .CountBy(client => policy.PickDestination(Destinations.Request(client), cluster, cluster.DestinationsState.AvailableDestinations)!.DestinationId)
            .Select(pair => pair.Value).ToList();

        Assert.Equal(2, counts.Count);
        Assert.InRange(counts.Min(), 430, 500);
    }
}
