using System.Net;
using Kiro.Balancer.Clients;

namespace Kiro.Tests.Balancer.Clients;

public sealed class ClientCensusTests
{
    private readonly ClientCensus _census = new();

    [Fact]
    public void OnlyClient_FewRequests_IsNull()
    {
        Note(99, "10.0.0.1");

        Assert.Null(_census.OnlyClient);
    }

    [Fact]
    public void OnlyClient_ManyRequestsOfOne_IsReported()
    {
        Note(100, "10.0.0.1");

        Assert.Equal(Address("10.0.0.1"), _census.OnlyClient);
    }

    [Fact]
    public void OnlyClient_OneOther_IsNeverReportedAgain()
    {
        Note(100, "10.0.0.1");
        Note(1, "10.0.0.2");
        Note(1000, "10.0.0.1");

        Assert.Null(_census.OnlyClient);
    }

    [Fact]
    public void OnlyClient_FirstOfManyDiffers_IsNull()
    {
        Note(1, "10.0.0.2");
        Note(1000, "10.0.0.1");

        Assert.Null(_census.OnlyClient);
    }

    [Fact]
    public void IgnoredProxy_MostRequestsComeThroughIt_IsReported()
    {
        Note(50, "10.0.0.1", hasField: true);
        Note(20, "10.0.0.2", hasField: false);

        Assert.Equal(Address("10.0.0.1"), _census.IgnoredProxy);
    }

    [Fact]
    public void IgnoredProxy_SingleClientSendsTheField_IsNotReported()
    {
        Note(19, "10.0.0.1", hasField: true);

        Assert.Null(_census.IgnoredProxy);
    }

    [Fact]
    public void IgnoredProxy_StopsSending_IsForgotten()
    {
        Note(1000, "10.0.0.1", hasField: true);
        Note(100, "10.0.0.2", hasField: false);

        Assert.Null(_census.IgnoredProxy);
    }

    [Fact]
    public void IgnoredProxy_AnotherTakesItsPlace_IsReported()
    {
        Note(100, "10.0.0.1", hasField: true);
        Note(200, "10.0.0.2", hasField: true);

        Assert.Equal(Address("10.0.0.2"), _census.IgnoredProxy);
    }

    [Fact]
    public void IgnoredProxy_TrustedPeerSendsTheField_IsNull()
    {
        _census.Record(new Client(Address("203.0.113.7"), Address("10.0.0.1"), PeerIsTrusted: true), hasField: true);

        Assert.Null(_census.IgnoredProxy);
    }

    [Fact]
    public async Task Record_ManyThreads_FindsTheOtherClient()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(
            () => Note(2000, thread == 5 ? "10.0.0.2" : "10.0.0.1"), TestContext.Current.CancellationToken)));

        Assert.Null(_census.OnlyClient);
    }

    private static ClientAddress Address(string text) => ClientAddress.From(IPAddress.Parse(text));

    private void Note(int times, string client, bool hasField = false)
    {
        for (var time = 0; time < times; time++)
        {
            _census.Record(new Client(Address(client), Address(client), PeerIsTrusted: false), hasField);
        }
    }
}
