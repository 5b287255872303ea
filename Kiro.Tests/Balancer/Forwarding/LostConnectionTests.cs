using System.Net.Http.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that accepts a request and closes the connection before it responds: it may have acted on it.</summary>
public class LostConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", 0, false)]
    [InlineData("HEAD", 0, false)]
    [InlineData("OPTIONS", 0, false)]
    [InlineData("DELETE", 0, false)]
    [InlineData("DELETE", 5, false)]
    [InlineData("PUT", 0, false)]
    [InlineData("PUT", 5, false)]
    [InlineData("PUT", 65_536, false)]
    public async Task Request_Retryable_IsServedByTheNextNode(string method, int bytes, bool chunked)
    {
        await using var losing = Losing();
        await using var next = await TestBackend.StartAsync("next");
        await using var balancer = await TestBalancer.StartAsync($"{losing.Host},{next.Host}");

        using var response = await SendAsync(balancer, losing.Port, method, bytes, chunked);

        Assert.Equal(200, (int)response.StatusCode);
        if (method != "HEAD")
        {
            var received = (await response.Content.ReadFromJsonAsync<ReceivedRequest>(Cancel))!;
            Assert.Equal("next", received.Node);
            Assert.Equal(new string('x', bytes), received.Body);
        }

        Assert.Single(next.Arrived);
        // HttpClient itself retries a bodiless request on the same node, up to three times.
        Assert.InRange(losing.Heads.Count, 1, bytes == 0 ? 4 : 1);
        Assert.Equal(1, balancer.Counters.Retries);
        Assert.Equal(1, balancer.Backend(losing.Port).Counters.Failures);
    }

    [Theory]
    [InlineData("POST", 0, false)]
    [InlineData("POST", 5, false)]
    [InlineData("POST", 5, true)]
    [InlineData("POST", 200_000, false)]
    [InlineData("PATCH", 5, false)]
    [InlineData("PROPFIND", 0, false)]
    [InlineData("PUT", 65_537, false)]
    [InlineData("PUT", 5, true)]
    [InlineData("DELETE", 5, true)]
    public async Task Request_NotRetryable_IsSentOnceAndFails(string method, int bytes, bool chunked)
    {
        await using var losing = Losing();
        await using var next = await TestBackend.StartAsync("next");
        await using var balancer = await TestBalancer.StartAsync($"{losing.Host},{next.Host}");

        using var response = await SendAsync(balancer, losing.Port, method, bytes, chunked);

        Assert.Equal(502, (int)response.StatusCode);
        Assert.Contains("connection was lost before the response", await response.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Single(losing.Heads);
        Assert.Empty(next.Arrived);
        Assert.Equal(0, balancer.Counters.Retries);
        Assert.Equal(1, balancer.Counters.Errors);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("PROPFIND")]
    public async Task Request_OnAPooledConnectionThatCloses_IsSentOnce(string method)
    {
        // HttpClient would resend a bodiless request on a new connection.
        await using var node = new RawBackend(async exchange =>
        {
            if (RawHead.StartLine(exchange.Head).Contains("/second", StringComparison.Ordinal))
            {
                exchange.Close();
                return;
            }

            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        Assert.Equal(200, (await balancer.ExchangeAsync($"{method} /first HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);

        var response = await balancer.ExchangeAsync($"{method} /second HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(502, response.Status);
        Assert.Equal([$"{method} /first HTTP/1.1", $"{method} /second HTTP/1.1"], node.Heads.Select(RawHead.StartLine));
    }

    [Fact]
    public async Task Request_WithExpectOnAPooledConnectionThatCloses_IsSentOnce()
    {
        await using var node = new RawBackend(async exchange =>
        {
            if (RawHead.StartLine(exchange.Head).Contains("/second", StringComparison.Ordinal))
            {
                exchange.Close();
                return;
            }

            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        Assert.Equal(200, (await balancer.ExchangeAsync("POST /first HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);

        var response = await balancer.ExchangeAsync(
            "POST /second HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");

        Assert.Equal(502, response.Status);
        Assert.Equal(2, node.Heads.Count);
    }

    [Fact]
    public async Task Connection_ClosedByTheNodeWhileIdle_LosesNoRequest()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
            exchange.Close();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 1; number <= 20; number++)
        {
            var response = await balancer.ExchangeAsync($"POST /{number} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");
            Assert.Equal(200, response.Status);
            await Task.Delay(20, Cancel);
        }

        Assert.Equal(20, node.Heads.Count);
    }

    [Fact]
    public async Task Body_WithExpect_IsNotBuffered()
    {
        // To buffer it, the balancer would have to send 100 itself.
        await using var node = new RawBackend(async exchange =>
            await exchange.WriteAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("PUT / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");

        Assert.Equal(403, response.Status);
    }

    private static RawBackend Losing() => new(async exchange =>
    {
        await exchange.ReadBodyAsync();
        exchange.Close();
    });

    private static Task<HttpResponseMessage> SendAsync(TestBalancer balancer, int port, string method, int bytes, bool chunked)
    {
        var request = balancer.Request(new HttpMethod(method), "/echo", port);
        if (bytes > 0)
        {
            request.Content = new StringContent(new string('x', bytes));
            request.Headers.TransferEncodingChunked = chunked;
        }

        return balancer.Http.SendAsync(request, Cancel);
    }
}
