using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Requests that two servers could delimit differently: rejected, or forwarded as one request, never as two.</summary>
public class SmugglingTests
{
    private const string Hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n";

    [Theory]
    [InlineData("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello")]
    [InlineData("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("length list", "Content-Length: 5, 5\r\n\r\nhello")]
    [InlineData("negative length", "Content-Length: -1\r\n\r\nhello")]
    [InlineData("hexadecimal length", "Content-Length: 0x5\r\n\r\nhello")]
    [InlineData("huge length", "Content-Length: 99999999999999999999\r\n\r\nhello")]
    [InlineData("space before colon", "Content-Length : 5\r\n\r\nhello")]
    [InlineData("space before colon of encoding", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("final coding is not chunked", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")]
    [InlineData("unknown encoding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("encoding with quotes", "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")]
    [InlineData("folded field", "X-A: b\r\n Content-Length: 5\r\n\r\nhello")]
    [InlineData("folded first field", " X-A: b\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("field without colon", "Content-Length\r\n\r\n")]
    [InlineData("field without name", ": x\r\n\r\n")]
    [InlineData("bare CR in a field", "X-A: b\rContent-Length: 5\r\n\r\nhello")]
    [InlineData("NUL in a field", "X-A: b\0c\r\n\r\n")]
    [InlineData("two hosts", "Host: b.example\r\n\r\n")]
    public async Task Head_Ambiguous_IsRejected(string shape, string rest)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{rest}{Hidden}");
        var response = await client.ReadResponseAsync();

        Assert.True(response.Status is 400 or 501, $"{shape}: {response.StatusLine}");
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("size is not a number", "x\r\nhello\r\n0\r\n\r\n")]
    [InlineData("negative size", "-1\r\nhello\r\n0\r\n\r\n")]
    [InlineData("size with prefix", "0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("huge size", "fffffffff\r\nhello\r\n0\r\n\r\n")]
    [InlineData("chunk longer than its size", "3\r\nhello\r\n0\r\n\r\n")]
    [InlineData("bare LF after the size", "5\nhello\r\n0\r\n\r\n")]
    [InlineData("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n")]
    [InlineData("space before the size", " 5\r\nhello\r\n0\r\n\r\n")]
    public async Task Chunks_Malformed_AreOneRequestAtMost(string shape, string chunks)
    {
        var bodies = new List<string>();
        await using var node = new RawBackend(async exchange =>
        {
            bodies.Add((await exchange.Connection.ReadChunkedAsync()).Body);
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{Hidden}");
        var response = await client.ReadResponseAsync();

        Assert.True(response.Status == 400, $"{shape}: {response.StatusLine}");
        Assert.DoesNotContain(node.Heads, head => head.Contains("hidden", StringComparison.Ordinal));
        Assert.DoesNotContain(bodies, body => body == "hello");
        Assert.Equal(0, balancer.Backend(node.Port).Counters.Failures);
    }

    // RFC 9110, section 5.1: a node might parse the name differently.
    [Theory]
    [InlineData("X(A)")]
    [InlineData("X[A]")]
    [InlineData("X@A")]
    [InlineData("X/A")]
    [InlineData("X=A")]
    [InlineData("\"X-A\"")]
    [InlineData("X-\u00e9")]
    public async Task FieldName_NotAToken_Is400(string name)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        foreach (var fields in (string[])[$"{name}: b\r\n", $"Connection: {name}\r\n{name}: b\r\n"])
        {
            var response = await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n{fields}\r\nhello");
            Assert.Equal(400, response.Status);
        }

        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n")]
    public async Task Body_WithLengthAndChunks_IsRejected(string fields)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n0\r\n\r\n{Hidden}");
        var response = await client.ReadResponseAsync();

        Assert.Equal(400, response.Status);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.Empty(node.Heads);
    }

    [Fact]
    public async Task Requests_Pipelined_ArriveOneByOne()
    {
        await using var node = new RawBackend(async exchange => await exchange.OkAsync(RawHead.StartLine(exchange.Head)));
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("GET /1 HTTP/1.1", (await client.ReadResponseAsync()).Body);
        Assert.Equal("GET /2 HTTP/1.1", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Lines_EndedByBareLineFeeds_AreOneRequestAtMost()
    {
        // RFC 9112, section 2.2 allows it; the node receives CRLF.
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("GET /lf HTTP/1.1\nHost: a.example\nX-A: b\n\n");

        Assert.True(response.Status is 200 or 400);
        Assert.True(node.Heads.Count <= 1);
    }

    [Fact]
    public async Task Response_WithLengthAndChunks_IsFramedOnce()
    {
        await using var node = RawBackend.Responding(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("hello", response.Body);
        Assert.False(response.Has("Content-Length"));
    }

    [Fact]
    public async Task Response_LongerThanItsLength_DoesNotReachTheNextClient()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 1; number <= 5; number++)
        {
            Assert.Equal("ok", (await balancer.ExchangeAsync($"GET /{number} HTTP/1.1\r\nHost: a.example\r\n\r\n")).Body);
        }
    }
}
