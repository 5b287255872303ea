using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that answers before it has the whole body, above all to say that it does not want it.</summary>
public class EarlyResponseTests
{
    private const string Answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_BeforeTheBodyOfANodeThatReadsOn_Arrives(bool chunked)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync(Answer);
            await exchange.ReadBodyAsync();
            exchange.Close();
        });

        await AssertArrivesAsync(node, chunked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_BeforeTheBodyOfANodeThatCloses_Arrives(bool chunked)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.Connection.ReadAsync(10);
            await exchange.WriteAsync(Answer);
            exchange.Close();
        });

        await AssertArrivesAsync(node, chunked);
    }

    [Fact]
    public async Task Answer_WithoutBodyBeforeTheBodyOfANodeThatCloses_Arrives()
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
    public async Task Answer_GoodBeforeTheBody_DoesNotKeepTheNodeFromTheRest(string close)
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
        var answer = await client.ReadAnswerAsync();

        Assert.Equal((200, "ok"), (answer.Status, answer.Body));
        Assert.Equal(Size, (await received.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).Length);
    }

    private static async Task AssertArrivesAsync(RawBackend node, bool chunked, int status = 413, string body = "too much")
    {
        const int Size = 20_000_000;
        await using var other = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{other.Host}");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        var framing = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {Size}";

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: {balancer.ClientOf(node.Port)}\r\n{framing}\r\n\r\n");
        var sending = SendAsync(client, chunked, Size);
        var answer = await client.ReadAnswerAsync();
        await sending;

        Assert.Equal(status, answer.Status);
        Assert.Equal(body, answer.Body);
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
            // The balancer need not take the rest of a body that nobody wants.
        }
    }
}
