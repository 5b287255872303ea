using System.Collections.Concurrent;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Connection-bound authentication (NTLM, Negotiate): every request on that connection runs as the user who authenticated.</summary>
public class ConnectionAuthenticationTests
{
    [Theory]
    [InlineData("NTLM", true)]
    [InlineData("Negotiate", true)]
    [InlineData("ntlm", true)]
    [InlineData("NTLM", false)]
    [InlineData("Negotiate", false)]
    public async Task Authentication_OfAConnection_ServesItsClientOnly(string scheme, bool asksFirst)
    {
        await using var node = Mailbox(scheme);
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var alice = await RawClient.ConnectAsync(balancer.Port);
        if (asksFirst)
        {
            Assert.Equal(401, (await AskAsync(alice)).Status);
        }

        Assert.Equal("mail of alice", (await AskAsync(alice, $"Authorization: {scheme} alice\r\n")).Body);
        for (var number = 0; number < 3; number++)
        {
            Assert.Equal("mail of alice", (await AskAsync(alice)).Body);
            using var bob = await RawClient.ConnectAsync(balancer.Port);
            Assert.Equal(401, (await AskAsync(bob)).Status);
        }

        alice.Dispose();
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal(401, (await balancer.ExchangeAsync(Get(""))).Status);
    }

    [Fact]
    public async Task Connection_WithAChallenge_IsNotSharedWithAnotherClient()
    {
        var connections = new ConcurrentQueue<RawStream>();
        await using var node = new RawBackend(async exchange =>
        {
            connections.Enqueue(exchange.Connection);
            await exchange.WriteAsync("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var alice = await RawClient.ConnectAsync(balancer.Port);
        using var bob = await RawClient.ConnectAsync(balancer.Port);

        await AskAsync(alice);
        await AskAsync(bob);

        Assert.Equal(2, connections.Distinct().Count());
    }

    [Fact]
    public async Task Authentication_PerRequest_SharesConnections()
    {
        var connections = new ConcurrentQueue<RawStream>();
        await using var node = new RawBackend(async exchange =>
        {
            connections.Enqueue(exchange.Connection);
            await exchange.WriteAsync("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"NTLM\"\r\nContent-Length: 0\r\n\r\n");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        for (var number = 0; number < 3; number++)
        {
            await balancer.ExchangeAsync(Get("Authorization: Basic YTpi\r\n"));
        }

        Assert.Single(connections.Distinct());
    }

    // Remembers who authenticated on each connection.
    private static RawBackend Mailbox(string scheme)
    {
        var owners = new ConcurrentDictionary<RawStream, string>();
        return new RawBackend(async exchange =>
        {
            if (exchange.Value("Authorization") is { } credentials)
            {
                owners[exchange.Connection] = credentials.Split(' ')[1];
            }

            await (owners.TryGetValue(exchange.Connection, out var owner)
                ? exchange.OkAsync($"mail of {owner}")
                : exchange.WriteAsync($"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {scheme}\r\nContent-Length: 0\r\n\r\n"));
        });
    }

    private static async Task<RawResponse> AskAsync(RawClient client, string fields = "")
    {
        await client.SendAsync(Get(fields));
        return await client.ReadResponseAsync();
    }

    private static string Get(string fields) => $"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n";
}
