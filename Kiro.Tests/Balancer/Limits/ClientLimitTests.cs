using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Limits;

/// <summary>LIMIT_REQUESTS_PER_SECOND, LIMIT_BURST, LIMIT_CONNECTIONS_PER_CLIENT.</summary>
public class ClientLimitTests
{
    [Theory]
    [InlineData("LIMIT_REQUESTS_PER_SECOND=10", 20)]
    [InlineData("LIMIT_REQUESTS_PER_SECOND=0.1", 1)]
    [InlineData("LIMIT_REQUESTS_PER_SECOND=0.7", 2)]
    public void Read_NoBurst_IsTwiceTheRate(string setting, int burst) =>
        Assert.Equal(burst, Settings.Read(LimitOptions.Read, setting).Burst);

    [Fact]
    public void RequestLimit_Off_AllowsEverythingWithoutATable()
    {
        var limit = Requests("LIMIT_REQUESTS_PER_SECOND=0", TimeProvider.System);

        Assert.False(limit.IsOn);
        Assert.True(limit.TryTake(default, out _));
    }

    [Fact]
    public void RequestLimit_MillionClients_UsesNoMoreMemoryAndRefusesNone()
    {
        var time = new FakeTimeProvider();
        var limit = Requests("LIMIT_REQUESTS_PER_SECOND=50", time);
        Assert.True(limit.TryTake(new ClientAddress(1), out _));
        var refused = 0;

        Assert.Equal(0, Allocated.By(run => refused += limit.TryTake(new ClientAddress((UInt128)run * 100), out _) ? 0 : 1));
        for (var client = 0; client < 1_000_000; client++)
        {
            refused += limit.TryTake(new ClientAddress((UInt128)client << 64), out _) ? 0 : 1;
        }

        Assert.Equal(0, refused);
    }

    [Fact]
    public async Task Requests_OneClientOverTheLimit_Get429AndOthersAreServed()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_REQUESTS_PER_SECOND=0.01", "LIMIT_BURST=3");
        var answers = new List<RawResponse>();
        for (var request = 0; request < 5; request++)
        {
            answers.Add(await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"));
        }

        Assert.Equal([200, 200, 200, 429, 429], answers.Select(answer => answer.Status));
        Assert.InRange(int.Parse(answers[4].Value("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 100);
        Assert.Contains("too many requests from your address", answers[4].Body, StringComparison.Ordinal);
        Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.8\r\n\r\n")).Status);
        // The balancer's own pages have no limit.
        var status = await balancer.ExchangeAsync("GET /lb/status HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
        Assert.Contains("\"requestsRefused\":2", status.Body, StringComparison.Ordinal);
        Assert.Equal(4, node.Heads.Count);
        Assert.Single(balancer.Logs, line => line.Contains("LIMIT_REQUESTS_PER_SECOND", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Connections_OneClientOverTheLimit_Get429UntilOneCloses()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LIMIT_CONNECTIONS_PER_CLIENT=2", "TRUSTED_PROXIES=::1");
        using var first = await RawClient.ConnectAsync(balancer.Port);
        using (var second = await RawClient.ConnectAsync(balancer.Port))
        {
            using var third = await RawClient.ConnectAsync(balancer.Port);
            var refusal = await third.ReadResponseAsync();
            Assert.Equal(429, refusal.Status);
            Assert.Equal("close", refusal.Value("Connection"));
            foreach (var client in (RawClient[])[first, second])
            {
                await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            }
        }

        await Eventually.BeTrue(
            async () => (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status == 200,
            "the closed connection has made room");
        // A trusted proxy connects for many clients.
        var trusted = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => RawClient.ConnectAsync(balancer.Port, IPAddress.IPv6Loopback)));
        foreach (var client in trusted)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            client.Dispose();
        }
    }

    [Fact]
    public void ClientConnections_AllClosed_FreesTheMemory()
    {
        var connections = Connections("LIMIT_CONNECTIONS_PER_CLIENT=1");
        var (one, same) = (ClientAddress.From(IPAddress.Parse("2001:db8::1")), ClientAddress.From(IPAddress.Parse("2001:db8::2")));

        Assert.True(connections.TryEnter(one, out var key));
        Assert.False(connections.TryEnter(same, out var none));
        Assert.Null(none);
        connections.Leave(key!.Value);
        Assert.True(connections.TryEnter(same, out _));
        Assert.Equal(1, connections.Refused);
    }

    private static RequestLimit Requests(string setting, TimeProvider time) =>
        new(Settings.Read(LimitOptions.Read, setting), time, NullLogger<RequestLimit>.Instance);

    private static ClientConnections Connections(string setting) => new(
        Settings.Read(LimitOptions.Read, setting), new ClientResolver(Settings.Read(ClientOptions.Read)), TimeProvider.System,
        NullLogger<ClientConnections>.Instance);
}

[OverLean]
public sealed class ClientLimitOverLeanTests : ClientLimitTests;

[OverYarp]
public sealed class ClientLimitOverYarpTests : ClientLimitTests;
