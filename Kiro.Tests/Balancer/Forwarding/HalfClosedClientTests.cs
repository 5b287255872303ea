using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A client that half-closes its connection after its last request (RFC 9112, section 9.6).</summary>
public class HalfClosedClientTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task Client_HalfClosesAfterARequest_GetsItsResponse(string request)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await Task.Delay(2500, CancellationToken.None);
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
            for (var piece = 0; piece < 4; piece++)
            {
                await exchange.WriteAsync(new string('x', 50_000));
                await Task.Delay(200, CancellationToken.None);
            }
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(request);
        client.Stream.HalfClose();
        var response = await client.ReadResponseAsync();

        Assert.Equal((200, 200_000), (response.Status, response.Body.Length));
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.False(client.Stream.WasReset);
        Assert.Single(node.Heads);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Client_HalfClosesAfterTwoRequests_GetsBothResponses()
    {
        await using var node = new RawBackend(exchange => exchange.OkAsync(RawHead.StartLine(exchange.Head)));
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n");
        client.Stream.HalfClose();

        Assert.Equal("GET /1 HTTP/1.1", (await client.ReadResponseAsync()).Body);
        Assert.Equal("GET /2 HTTP/1.1", (await client.ReadResponseAsync()).Body);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
    }
}
