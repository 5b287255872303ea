using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>Responses without a body, whatever the backend sends (RFC 9110, sections 15.3.5 and 15.3.6).</summary>
public class BodilessResponseTests
{
    [Theory]
    [InlineData(204, "Content-Length: 5\r\n\r\nhello")]
    [InlineData(204, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData(204, "\r\n")]
    [InlineData(205, "Content-Length: 5\r\n\r\nhello")]
    [InlineData(205, "Content-Length: 0\r\n\r\n")]
    [InlineData(205, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData(205, "\r\nuntil the end")]
    public async Task Response_WithoutABody_DropsItAndTheNextIsIntact(int status, string rest)
    {
        await using var node = new RawBackend(async exchange =>
        {
            if (exchange.Head.Contains("/next", StringComparison.Ordinal))
            {
                await exchange.OkAsync("next");
                return;
            }

            await exchange.WriteAsync($"HTTP/1.1 {status} Whatever\r\n{rest}");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var answer = await client.ReadResponseAsync();
        await client.SendAsync("GET /next HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var next = await client.ReadResponseAsync();

        Assert.Equal((status, ""), (answer.Status, answer.Body));
        Assert.Equal((200, "next"), (next.Status, next.Body));
        Assert.Empty(balancer.Logs);
    }
}
