using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class TrailerTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a.example\r\nTE: trailers\r\n\r\n";
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";

    [Theory]
    [InlineData("5\r\nhello\r\n", "hello", "X-Sum: 42\r\n")]
    [InlineData("2\r\nhe\r\n3\r\nllo\r\n", "hello", "X-Sum: 1\r\nX-Sum: 2\r\nX-Latin: caf\u00e9\r\n")]
    [InlineData("", "", "X-Sum: 42\r\n")]
    [InlineData("5\r\nhello\r\n", "hello", "")]
    public async Task Response_WithAnnouncedTrailers_KeepsThem(string chunks, string body, string trailers)
    {
        await using var node = RawBackend.Responding($"{Chunked}Trailer: X-Sum, X-Latin\r\n\r\n{chunks}0\r\n{trailers}\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync(Get);
            var response = await client.ReadResponseAsync();
            Assert.Equal("X-Sum, X-Latin", string.Join(", ", response.Values("Trailer")));
            Assert.Equal(body, response.Body);
            Assert.Equal(trailers, response.Trailers);
            Assert.True(response.IsComplete);
        }
    }

    [Fact]
    public async Task Trailers_AffectingFraming_AreDropped()
    {
        await using var node = RawBackend.Responding(
            $"{Chunked}Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\nX-Sum: 42\r\nSet-Cookie: a=b\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Get);

        Assert.DoesNotContain("Content-Length", response.Trailers, StringComparison.Ordinal);
        Assert.DoesNotContain("Transfer-Encoding", response.Trailers, StringComparison.Ordinal);
        Assert.Contains("X-Sum: 42\r\n", response.Trailers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_ToHead_HasNoBodyAndNoTrailers()
    {
        await using var node = RawBackend.Responding($"{Chunked}Trailer: X-Sum\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n");
            Assert.Equal(200, (await client.ReadResponseAsync(isHead: true)).Status);
        }
    }

    [Fact]
    public async Task Request_WithTrailers_KeepsThemOnTheEventLoopsOnly()
    {
        // HttpClient cannot send trailers over HTTP/1.1, so the node must not see a Trailer field either.
        (string Body, string Trailers, bool IsComplete) received = default;
        await using var node = new RawBackend(async exchange =>
        {
            received = await exchange.Connection.ReadChunkedAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(
            "POST / HTTP/1.1\r\nHost: a.example\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");

        Assert.Equal("ok", response.Body);
        Assert.Equal(("hello", TestedPath.IsLoop ? "X-Sum: 42\r\n" : "", true), received);
        Assert.Equal(TestedPath.IsLoop, RawHead.Has(Assert.Single(node.Heads), "Trailer"));
    }

    // A node may merge trailers into the header: they must not forge the client address or other fields that the balancer sets.
    [Theory]
    [InlineData("X-Forwarded-For: 1.1.1.1")]
    [InlineData("X-Real-IP: 1.1.1.1")]
    [InlineData("x_real_ip: 1.1.1.1")]
    [InlineData("X-Forwarded-Client-Cert: Hash=1")]
    [InlineData("X-Kiro-Client: 1")]
    [InlineData("Forwarded: for=1.1.1.1")]
    [InlineData("CDN-Loop: a")]
    [InlineData("Content-Length: 1")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Host: b.example")]
    [InlineData("Authorization: Basic x")]
    [InlineData("Cookie: a=1")]
    public async Task Request_ForbiddenTrailer_IsDropped(string trailer)
    {
        (string Body, string Trailers, bool IsComplete) received = default;
        await using var node = new RawBackend(async exchange =>
        {
            received = await exchange.Connection.ReadChunkedAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(
            $"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{trailer}\r\nX-Sum: 42\r\n\r\n");

        Assert.Equal("ok", response.Body);
        Assert.Equal(("hello", TestedPath.IsLoop ? "X-Sum: 42\r\n" : "", true), received);
    }
}
