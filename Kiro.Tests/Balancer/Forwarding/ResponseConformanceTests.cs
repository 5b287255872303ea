using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Ambiguous responses are rejected; all others are forwarded as they are.</summary>
public class ResponseConformanceTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

    [Theory]
    [InlineData("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    [InlineData("chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    [InlineData("chunked in two lines", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    [InlineData("identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok")]
    [InlineData("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("folded line", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("bare CR", "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("space before the colon", "HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("control in a value", "HTTP/1.1 200 OK\r\nX-A: b\u0001c\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("status 000", "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("status 099", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("not HTTP, connection stays open", "SSH-2.0-OpenSSH_9.2p1\r\n")]
    [InlineData("not HTTP, no line, connection stays open", "\u0015\u0003\u0003\0\u0002\u0002\u0016")]
    public async Task Response_Ambiguous_Is502(string what, string sent)
    {
        await using var node = RawBackend.Responding(sent);
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Get);

        Assert.True(response.Status == 502, $"{what}: {response.StatusLine}");
        Assert.Single(node.Heads);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\n\r\nok")]
    [InlineData("HTTP/1.0 200 OK\nX-A: b\nConnection: close\nContent-Length: 2\n\nok")]
    public async Task Response_WithBareLineFeeds_IsAccepted(string sent)
    {
        await using var node = RawBackend.Responding(sent);
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 1; number <= 2; number++)
        {
            var response = await balancer.ExchangeAsync(Get);
            Assert.Equal((200, "b", "ok"), (response.Status, response.Value("X-A"), response.Body));
        }
    }

    [Theory]
    [InlineData("5\r\nhello\r\n", "hello")]
    [InlineData("", "")]
    public async Task Trailers_Unannounced_Arrive(string chunks, string body)
    {
        await using var node = RawBackend.Responding($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\nX-Sum: 42\r\nContent-Length: 7\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Get);

        Assert.Equal((body, "X-Sum: 42\r\n", true), (response.Body, response.Trailers, response.IsComplete));
    }

    [Fact]
    public async Task Chunks_EmptyBody_StayChunked()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Get);

        Assert.Equal(("chunked", null), (response.Value("Transfer-Encoding"), response.Value("Content-Length")));
        Assert.True(response.IsComplete);
    }

    [Theory]
    [InlineData("304 Not Modified", "Content-Length: 0\r\n")]
    [InlineData("204 No Content", "Content-Length: 0\r\n")]
    [InlineData("204 No Content", "Content-Length: 5\r\n")]
    public async Task ContentLength_OfABodilessResponse_IsDropped(string status, string length)
    {
        await using var node = RawBackend.Responding($"HTTP/1.1 {status}\r\n{length}ETag: \"1\"\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync(Get);
            var response = await client.ReadResponseAsync();
            Assert.Equal("HTTP/1.1 " + status, response.StatusLine);
            Assert.False(response.Has("Content-Length"));
        }
    }

    // None of these sends a request through HttpClient, which would drop interim responses.
    [Theory]
    [InlineData("", "DRAIN_DELAY=0")]
    [InlineData("Upgrade: h2c\r\n", "DRAIN_DELAY=0")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\n", "DRAIN_DELAY=0")]
    [InlineData("", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9")]
    public async Task EarlyHints_OnEveryPath_ArriveBeforeTheResponse(string fields, string setting)
    {
        var mayContinue = new TaskCompletionSource();
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n");
            await mayContinue.Task;
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
        if (!KnownDifferences.DropsInterimResponses)
        {
            var hints = await client.ReadResponseAsync();
            Assert.Equal(("HTTP/1.1 103 Early Hints", "</a.css>", false), (hints.StatusLine, hints.Value("Link"), hints.Has("X-Own")));
        }

        mayContinue.SetResult();
        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
    }

    [Theory]
    [InlineData(100, 200)]
    [InlineData(101, 502)]
    [InlineData(100_000, 502)]
    public async Task EarlyHints_TooMany_Are502(int count, int expected)
    {
        await using var node = RawBackend.Responding(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", count)) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Get);
        var response = await client.ReadResponseAsync();
        for (var number = 0; response.Status == 103; number++)
        {
            Assert.True(number <= 100);
            response = await client.ReadResponseAsync();
        }

        Assert.Equal(expected, response.Status);
    }

    [Theory]
    [InlineData(1000, 200)]
    [InlineData(1001, 502)]
    [InlineData(16_000, 502)]
    public async Task Fields_ThatGrowWhenRewritten_AreAcceptedUpToALimit(int count, int expected)
    {
        // Written with a space after each colon and CRLF, the head is longer than received.
        var fields = string.Concat(Enumerable.Repeat("A:\n", count - 1));
        await using var node = RawBackend.Responding($"HTTP/1.1 200 OK\n{fields}Content-Length: 2\n\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync(Get);

        Assert.Equal(expected, response.Status);
        Assert.DoesNotContain(balancer.Logs, line => line.Contains("Exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EarlyHints_ToAnHttp10Client_AreDropped()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")).Status);
    }

    [Fact]
    public async Task UpgradeRequired_FromTheNode_IsForwarded()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3, HTTP/1.1\r\nContent-Length: 2\r\n\r\nno");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync(Get);
            var response = await client.ReadResponseAsync();
            Assert.Equal((426, "TLS/1.3, HTTP/1.1", "no"), (response.Status, response.Value("Upgrade"), response.Body));
            Assert.Contains("upgrade", response.Value("Connection"), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("Content-Length: 2000000\r\n\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", true)]
    [InlineData("Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n", true)]
    public async Task Response_Truncated_DeliversEverythingReceived(string framing, bool chunked)
    {
        const int Size = 400_000;
        await using var node = new RawBackend(async exchange =>
        {
            var body = new string('x', Size);
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\n{framing}{(chunked ? Size.ToString("x", CultureInfo.InvariantCulture) + "\r\n" : "")}{body}");
            exchange.Close();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port, receiveBuffer: 8 * 1024);

        await client.SendAsync(Get);
        // More than fits into the socket buffers: a reset would discard part of it.
        await Task.Delay(500, TestContext.Current.CancellationToken);
        var received = await client.Stream.ReadToEndAsync();

        Assert.False(client.Stream.WasReset);
        Assert.Equal(Size, received.Count(letter => letter == 'x'));
    }

    [Theory]
    [InlineData("text/event-stream")]
    [InlineData("Text/Event-Stream; charset=utf-8")]
    public async Task EventStream_BalancerDrains_EndsWithACompleteBody(string type)
    {
        var nodeSawClose = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n");
            await exchange.Connection.ReadToEndAsync();
            nodeSawClose.TrySetResult();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, "STREAM_GRACE=0");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync(Get);
        var head = await client.Stream.ReadHeadAsync();
        Assert.Equal("data:1", await client.Stream.ReadChunkAsync());

        var stopping = balancer.StopAsync();

        Assert.Contains("200", RawHead.StartLine(head!), StringComparison.Ordinal);
        Assert.Equal("", await client.Stream.ReadChunkAsync());
        await nodeSawClose.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        client.Dispose();
        await stopping;
    }
}
