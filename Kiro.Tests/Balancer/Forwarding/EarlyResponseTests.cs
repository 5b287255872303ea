using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that responds before it has read the whole request body, usually to reject it.</summary>
public class EarlyResponseTests
{
    private const string Rejection = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_BeforeTheBodyFromANodeThatReadsOn_Arrives(bool chunked)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync(Rejection);
            await exchange.ReadBodyAsync();
            exchange.Close();
        });

        await AssertArrivesAsync(node, chunked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_BeforeTheBodyFromANodeThatCloses_Arrives(bool chunked)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.Connection.ReadAsync(10);
            await exchange.WriteAsync(Rejection);
            exchange.Close();
        });

        await AssertArrivesAsync(node, chunked);
    }

    [Fact]
    public async Task Response_BodilessBeforeTheBodyFromANodeThatCloses_Arrives()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.Connection.ReadAsync(10);
            await exchange.WriteAsync("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            exchange.Close();
        });

        await AssertArrivesAsync(node, chunked: false, 401, "");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection: close\r\n")]
    public async Task Response_SuccessBeforeTheBody_StillForwardsTheRest(string close)
    {
        const int Size = 2_000_000;
        var received = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\n{close}Content-Length: 2\r\n\r\nok");
            received.SetResult(await exchange.ReadBodyAsync());
            exchange.Close();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: {Size}\r\n\r\n");
        await client.SendAsync(new string('x', Size / 2));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        await client.SendAsync(new string('y', Size / 2));
        var response = await client.ReadResponseAsync();

        Assert.Equal((200, "ok"), (response.Status, response.Body));
        Assert.Equal(Size, (await received.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).Length);
    }

    private static async Task AssertArrivesAsync(RawBackend node, bool chunked, int status = 413, string body = "too much")
    {
        const int Size = 20_000_000;
        await using var other = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{other.Host}");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        var framing = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {Size}";

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: {balancer.ClientOf(node.Port)}\r\n{framing}\r\n\r\n");
        var sending = SendAsync(client, chunked, Size);
        var response = await client.ReadResponseAsync();
        await sending;

        Assert.Equal(status, response.Status);
        Assert.Equal(body, response.Body);
        Assert.Single(node.Heads);
        Assert.Empty(other.Heads);
        Assert.Equal(0, balancer.Backend(node.Port).Counters.Failures);
        Assert.Equal(0, balancer.Counters.Errors);
        Assert.Empty(balancer.Logs);
    }

    private static async Task SendAsync(RawClient client, bool chunked, int size)
    {
        var block = new string('x', 100_000);
        try
        {
            for (var sent = 0; sent < size; sent += block.Length)
            {
                await client.SendAsync(chunked ? $"{block.Length:x}\r\n{block}\r\n" : block);
            }

            if (chunked)
            {
                await client.SendAsync("0\r\n\r\n");
            }
        }
        catch (IOException)
        {
            // The balancer may close the connection rather than read the rest of a rejected body.
        }
    }
}
