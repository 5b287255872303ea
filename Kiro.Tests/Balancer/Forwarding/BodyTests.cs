using System.IO.Compression;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class BodyTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

    [Theory]
    [InlineData("POST", "Content-Length: 5\r\n\r\nhello", "hello", "5", null)]
    [InlineData("PUT", "Content-Length: 5\r\n\r\nhello", "hello", "5", null)]
    [InlineData("GET", "Content-Length: 5\r\n\r\nhello", "hello", "5", null)]
    [InlineData("DELETE", "Content-Length: 5\r\n\r\nhello", "hello", "5", null)]
    [InlineData("POST", "Content-Length: 0\r\n\r\n", "", "0", null)]
    [InlineData("POST", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n", "hello", null, "chunked")]
    [InlineData("PUT", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", null, "chunked")]
    [InlineData("POST", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", null, "chunked")]
    public async Task Request_WithBody_KeepsItsFraming(string method, string rest, string body, string? length, string? encoding)
    {
        var received = "";
        await using var node = new RawBackend(async exchange =>
        {
            received = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: a.example\r\n{rest}");

        Assert.Equal("ok", response.Body);
        Assert.Equal(body, received);
        var head = Assert.Single(node.Heads);
        Assert.Equal(length, RawHead.Value(head, "Content-Length"));
        Assert.Equal(encoding, RawHead.Value(head, "Transfer-Encoding"));
    }

    [Fact]
    public async Task Response_WithLength_KeepsIt()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Request);

        Assert.Equal("hello", response.Body);
        Assert.Equal("5", response.Value("Content-Length"));
        Assert.False(response.Has("Transfer-Encoding"));
    }

    [Fact]
    public async Task Response_Empty_KeepsItsLength()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Request);

        Assert.Equal("0", response.Value("Content-Length"));
        Assert.False(response.Has("Transfer-Encoding"));
    }

    [Theory]
    [InlineData("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello")]
    [InlineData("0\r\n\r\n", "")]
    public async Task Answer_Chunked_StaysChunked(string chunks, string body)
    {
        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}", Request);

        Assert.Equal(body, response.Body);
        Assert.True(response.IsComplete);
        Assert.False(response.Has("Content-Length") && response.Has("Transfer-Encoding"));
    }

    [Fact]
    public async Task Response_DelimitedByClose_Arrives()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
            exchange.Close();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Request);

        Assert.Equal("until the end", response.Body);
        Assert.True(response.IsComplete);
    }

    [Fact]
    public async Task Answer_ToHttp10_IsNotChunked()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n");

        Assert.False(response.Has("Transfer-Encoding"));
        Assert.Equal("hello", response.Body);
    }

    [Fact]
    public async Task Answer_ToHead_KeepsTheLengthAndHasNoBody()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("HEAD /1 HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var first = await client.ReadResponseAsync(isHead: true);
        await client.SendAsync("HEAD /2 HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var second = await client.ReadResponseAsync(isHead: true);

        Assert.Equal("1234", first.Value("Content-Length"));
        Assert.Equal("\"x\"", second.Value("ETag"));
    }

    [Theory]
    [InlineData("204 No Content", "")]
    [InlineData("304 Not Modified", "ETag: \"x\"\r\n")]
    [InlineData("304 Not Modified", "ETag: \"x\"\r\nContent-Length: 1234\r\n")]
    [InlineData("304 Not Modified", "ETag: \"x\"\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n")]
    public async Task Response_WithoutBody_KeepsTheConnectionUsable(string status, string fields)
    {
        await using var node = RawBackend.Responding($"HTTP/1.1 {status}\r\n{fields}X-N: 1\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 3; number++)
        {
            await client.SendAsync($"GET /{number} HTTP/1.1\r\nHost: a.example\r\n\r\n");
            var response = await client.ReadResponseAsync();
            Assert.Equal("HTTP/1.1 " + status, response.StatusLine);
            Assert.Equal("1", response.Value("X-N"));
        }

        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Response_Gzipped_IsNotTouched()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            await gzip.WriteAsync("some text, some text, some text"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        var body = Encoding.Latin1.GetString(packed.ToArray());
        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n{body}", Request);

        Assert.Equal(body, response.Body);
        Assert.Equal("gzip", response.Value("Content-Encoding"));
    }

    [Fact]
    public async Task Connections_ManyRequests_AreReusedOnBothSides()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 20; number++)
        {
            await client.SendAsync($"POST /status/200 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc");
            Assert.Equal("status 200 of node-1", (await client.ReadResponseAsync()).Body);
        }

        Assert.Equal(20, node.Arrived.Count);
        Assert.Equal(20, balancer.Backend(node.Port).Counters.Requests);
    }

    private static async Task<RawResponse> AnswerAsync(string response, string request)
    {
        await using var node = RawBackend.Responding(response);
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        return await balancer.ExchangeAsync(request);
    }
}
