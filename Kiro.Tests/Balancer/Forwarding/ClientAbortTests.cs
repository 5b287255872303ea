using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A client that disconnects or sends an incomplete request: the node sees the abort, and no failure counts against it.</summary>
public class ClientAbortTests
{
    private const string Head = " HTTP/1.1\r\nHost: a.example\r\n";

    [Theory]
    [InlineData("GET /hold", "\r\n", false)]
    [InlineData("GET /hold", "\r\n", true)]
    [InlineData("POST /hold", "Content-Length: 5\r\n\r\nhello", false)]
    [InlineData("POST /count", "Content-Length: 1000000\r\n\r\nhello", false)]
    [InlineData("POST /count", "Content-Length: 1000000\r\n\r\nhello", true)]
    [InlineData("POST /count", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false)]
    [InlineData("POST /count", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData("GET /bytes/1000000000", "\r\n", false)]
    [InlineData("GET /bytes/1000000000", "\r\n", true)]
    public async Task Client_Disconnects_AbortsTheRequestAtTheNode(string start, string rest, bool byReset)
    {
        await using var node = await TestBackend.StartAsync();
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{other.Host}");
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"{start}{Head}X-Forwarded-For: {balancer.ClientOf(node.Port)}\r\n{rest}");
        await Eventually.BeTrue(() => node.Arrived.Count == 1, "the node has the request");
        if (byReset)
        {
            client.Stream.Reset();
        }
        else
        {
            client.Dispose();
        }

        await Eventually.BeTrue(() => node.Aborted == 1, "the node sees the abort");
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the request is over");
        AssertNoFailureCounted(balancer, node.Port);
        Assert.Empty(other.Arrived);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_DisconnectsWhileItsBodyIsBuffered_IsNotAnError(bool byReset)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"PUT /x{Head}Content-Length: 1000\r\n\r\nonly this");
        await Eventually.BeTrue(() => balancer.Counters.Requests == 1, "the balancer has the head");
        if (byReset)
        {
            client.Stream.Reset();
        }
        else
        {
            client.Dispose();
        }

        // Anything the balancer logs about it comes before its response to a later request.
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal(200, (await balancer.ExchangeAsync($"GET /status/200{Head}\r\n")).Status);
        Assert.Single(node.Arrived);
        AssertNoFailureCounted(balancer, node.Port);
    }

    [Theory]
    [InlineData("PUT", "Content-Length: 1000\r\n\r\nonly this")]
    [InlineData("POST", "Content-Length: 1000\r\n\r\nonly this")]
    [InlineData("POST", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    public async Task Client_HalfClosesWithinItsBody_Gets400OrNothing(string method, string rest)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"{method} /count{Head}{rest}");
        client.Stream.HalfClose();
        var response = await client.Stream.ReadToEndAsync();

        Assert.True(response.Length == 0 || response.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), response);
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the request is over");
        AssertNoFailureCounted(balancer, node.Port);
    }

    [Fact]
    public async Task Client_HalfClosesWithinItsBodyAtAnyMoment_CountsNoFailure()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        await Parallel.ForAsync(0, 500, TestContext.Current.CancellationToken, async (_, _) =>
        {
            using var client = await RawClient.ConnectAsync(balancer.Port);
            await client.SendAsync($"POST /count{Head}Content-Length: 1000\r\n\r\nonly this");
            client.Stream.HalfClose();
            await client.Stream.ReadToEndAsync();
        });

        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the requests are over");
        AssertNoFailureCounted(balancer, node.Port);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST")]
    public async Task Client_MalformedChunk_Gets400(string method)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"{method} /count{Head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n");

        Assert.Equal(400, response.Status);
        AssertNoFailureCounted(balancer, node.Port);
    }

    private static void AssertNoFailureCounted(TestBalancer balancer, int port)
    {
        Assert.Equal(0, balancer.Backend(port).Counters.Failures);
        Assert.Equal(BackendState.Up, balancer.Backend(port).Health.State);
        Assert.Equal(0, balancer.Counters.Retries);
        Assert.Empty(balancer.Logs);
    }
}
