using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Requests that two servers could split at different places. Refused or forwarded as one, never as two.</summary>
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
    [InlineData("encoding that ends in no chunks", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")]
    [InlineData("unknown encoding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("encoding with quotes", "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")]
    [InlineData("folded field", "X-A: b\r\n Content-Length: 5\r\n\r\nhello")]
    [InlineData("folded first field", " X-A: b\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("field without colon", "Content-Length\r\n\r\n")]
    [InlineData("field without name", ": x\r\n\r\n")]
    [InlineData("bare CR in a field", "X-A: b\rContent-Length: 5\r\n\r\nhello")]
    [InlineData("NUL in a field", "X-A: b\0c\r\n\r\n")]
    [InlineData("two hosts", "Host: b.example\r\n\r\n")]
    public async Task Head_Ambiguous_IsRefused(string shape, string rest)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{rest}{Hidden}");
        var answer = await client.ReadAnswerAsync();

        Assert.True(answer.Status is 400 or 501, $"{shape}: {answer.StatusLine}");
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("size is no number", "x\r\nhello\r\n0\r\n\r\n")]
    [InlineData("negative size", "-1\r\nhello\r\n0\r\n\r\n")]
    [InlineData("size with prefix", "0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("huge size", "fffffffff\r\nhello\r\n0\r\n\r\n")]
    [InlineData("chunk longer than its size", "3\r\nhello\r\n0\r\n\r\n")]
    [InlineData("bare LF after the size", "5\nhello\r\n0\r\n\r\n")]
    [InlineData("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n")]
    [InlineData("space before the size", " 5\r\nhello\r\n0\r\n\r\n")]
    public async Task Chunks_Broken_EndInOneRequestAtMost(string shape, string chunks)
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
        var answer = await client.ReadAnswerAsync();

        Assert.True(answer.Status == 400, $"{shape}: {answer.StatusLine}");
        Assert.DoesNotContain(node.Heads, head => head.Contains("hidden", StringComparison.Ordinal));
        Assert.DoesNotContain(bodies, body => body == "hello");
        Assert.Equal(0, balancer.Backend(node.Port).Counters.Failures);
    }

    // RFC 9110, section 5.1: a node might read something else into it.
    [Theory]
    [InlineData("X(A)")]
    [InlineData("X[A]")]
    [InlineData("X@A")]
    [InlineData("X/A")]
    [InlineData("X=A")]
    [InlineData("\"X-A\"")]
    [InlineData("X-\u00e9")]
    public async Task FieldName_ThatIsNoToken_Is400(string name)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        foreach (var fields in (string[])[$"{name}: b\r\n", $"Connection: {name}\r\n{name}: b\r\n"])
        {
            var answer = await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n{fields}\r\nhello");
            Assert.Equal(400, answer.Status);
        }

        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n")]
    public async Task Body_WithLengthAndChunks_IsRefused(string fields)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n0\r\n\r\n{Hidden}");
        var answer = await client.ReadAnswerAsync();

        Assert.Equal(400, answer.Status);
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

        Assert.Equal("GET /1 HTTP/1.1", (await client.ReadAnswerAsync()).Body);
        Assert.Equal("GET /2 HTTP/1.1", (await client.ReadAnswerAsync()).Body);
    }

    [Fact]
    public async Task Lines_EndedByBareLineFeeds_AreOneRequest()
    {
        // RFC 9112, section 2.2 allows it; what reaches the node has proper line ends.
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync("GET /lf HTTP/1.1\nHost: a.example\nX-A: b\n\n");

        Assert.True(answer.Status is 200 or 400);
        Assert.True(node.Heads.Count <= 1);
    }

    [Fact]
    public async Task Answer_WithLengthAndChunks_IsFramedOnce()
    {
        await using var node = RawBackend.Answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("hello", answer.Body);
        Assert.False(answer.Has("Content-Length"));
    }

    [Fact]
    public async Task Answer_LongerThanItsLength_DoesNotReachTheNextClient()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 1; number <= 5; number++)
        {
            Assert.Equal("ok", (await balancer.ExchangeAsync($"GET /{number} HTTP/1.1\r\nHost: a.example\r\n\r\n")).Body);
        }
    }
}
