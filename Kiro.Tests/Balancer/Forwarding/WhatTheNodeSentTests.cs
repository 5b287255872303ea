using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>What a node sends is read in one way, and passed on as it is.</summary>
public class WhatTheNodeSentTests
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
    [InlineData("no HTTP, and it waits", "SSH-2.0-OpenSSH_9.2p1\r\n")]
    [InlineData("no HTTP and no line, and it waits", "\u0015\u0003\u0003\0\u0002\u0002\u0016")]
    public async Task Response_ThatCanBeReadInTwoWays_Is502(string what, string response)
    {
        await using var node = RawBackend.Answering(response);
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync(Get);

        Assert.True(answer.Status == 502, $"{what}: {answer.StatusLine}");
        Assert.Single(node.Heads);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\n\r\nok")]
    [InlineData("HTTP/1.0 200 OK\nX-A: b\nConnection: close\nContent-Length: 2\n\nok")]
    public async Task Response_WithBareLineFeeds_IsTaken(string response)
    {
        await using var node = RawBackend.Answering(response);
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 1; number <= 2; number++)
        {
            var answer = await balancer.ExchangeAsync(Get);
            Assert.Equal((200, "b", "ok"), (answer.Status, answer.Value("X-A"), answer.Body));
        }
    }

    [Theory]
    [InlineData("5\r\nhello\r\n", "hello")]
    [InlineData("", "")]
    public async Task Trailers_ThatNobodyAnnounced_Arrive(string chunks, string body)
    {
        await using var node = RawBackend.Answering($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\nX-Sum: 42\r\nContent-Length: 7\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync(Get);

        Assert.Equal((body, "X-Sum: 42\r\n", true), (answer.Body, answer.Trailers, answer.IsComplete));
    }

    [Fact]
    public async Task Chunks_WithNothingInThem_StayChunks()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync(Get);

        Assert.Equal(("chunked", null), (answer.Value("Transfer-Encoding"), answer.Value("Content-Length")));
        Assert.True(answer.IsComplete);
    }

    [Theory]
    [InlineData("304 Not Modified", "Content-Length: 0\r\n")]
    [InlineData("204 No Content", "Content-Length: 0\r\n")]
    [InlineData("204 No Content", "Content-Length: 5\r\n")]
    public async Task Length_OfWhatHasNoBody_IsNotPassedOn(string status, string length)
    {
        await using var node = RawBackend.Answering($"HTTP/1.1 {status}\r\n{length}ETag: \"1\"\r\n\r\n");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync(Get);
            var answer = await client.ReadAnswerAsync();
            Assert.Equal("HTTP/1.1 " + status, answer.StatusLine);
            Assert.False(answer.Has("Content-Length"));
        }
    }

    // None of these makes a request go by HttpClient, which would drop them.
    [Theory]
    [InlineData("", "DRAIN_DELAY=0")]
    [InlineData("Upgrade: h2c\r\n", "DRAIN_DELAY=0")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\n", "DRAIN_DELAY=0")]
    [InlineData("", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9")]
    public async Task EarlyHints_ArriveBeforeTheResponse(string fields, string setting)
    {
        var mayGoOn = new TaskCompletionSource();
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n");
            await mayGoOn.Task;
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
        if (!KnownDifferences.DropsInterimResponses)
        {
            var hints = await client.ReadAnswerAsync();
            Assert.Equal(("HTTP/1.1 103 Early Hints", "</a.css>", false), (hints.StatusLine, hints.Value("Link"), hints.Has("X-Own")));
        }

        mayGoOn.SetResult();
        Assert.Equal("ok", (await client.ReadAnswerAsync()).Body);
    }

    [Theory]
    [InlineData(100, 200)]
    [InlineData(101, 502)]
    [InlineData(100_000, 502)]
    public async Task EarlyHints_WithoutEnd_Are502(int count, int expected)
    {
        await using var node = RawBackend.Answering(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", count)) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Get);
        var answer = await client.ReadAnswerAsync();
        for (var number = 0; answer.Status == 103; number++)
        {
            Assert.True(number <= 100);
            answer = await client.ReadAnswerAsync();
        }

        Assert.Equal(expected, answer.Status);
    }

    [Theory]
    [InlineData(1000, 200)]
    [InlineData(1001, 502)]
    [InlineData(16_000, 502)]
    public async Task Fields_ThatGrowOnTheirWay_AreTakenUpToABound(int count, int expected)
    {
        // With a space behind the colon, and lines that end as they should, a head is longer than it came.
        var fields = string.Concat(Enumerable.Repeat("A:\n", count - 1));
        await using var node = RawBackend.Answering($"HTTP/1.1 200 OK\n{fields}Content-Length: 2\n\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync(Get);

        Assert.Equal(expected, answer.Status);
        Assert.DoesNotContain(balancer.Logs, line => line.Contains("Exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EarlyHints_ToAnHttp10Client_AreDropped()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Upgrade_ThatIsRequired_IsPassedOn()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3, HTTP/1.1\r\nContent-Length: 2\r\n\r\nno");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 2; number++)
        {
            await client.SendAsync(Get);
            var answer = await client.ReadAnswerAsync();
            Assert.Equal((426, "TLS/1.3, HTTP/1.1", "no"), (answer.Status, answer.Value("Upgrade"), answer.Body));
            Assert.Contains("upgrade", answer.Value("Connection"), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("Content-Length: 2000000\r\n\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", true)]
    [InlineData("Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n", true)]
    public async Task Response_ThatBreaksOff_EndsBehindAllThatCame(string framing, bool chunked)
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
        // What is sent is more than both ends' buffers hold: a reset would throw part of it away.
        await Task.Delay(500, TestContext.Current.CancellationToken);
        var received = await client.Stream.ReadToEndAsync();

        Assert.False(client.Stream.WasReset);
        Assert.Equal(Size, received.Count(letter => letter == 'x'));
    }

    [Theory]
    [InlineData("text/event-stream")]
    [InlineData("Text/Event-Stream; charset=utf-8")]
    public async Task EventStream_OfANodeThatDrains_EndsCompletely(string type)
    {
        var isDraining = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n");
            await exchange.Connection.ReadToEndAsync();
            isDraining.TrySetResult();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, "STREAM_GRACE=0");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync(Get);
        var head = await client.Stream.ReadHeadAsync();
        Assert.Equal("data:1", await client.Stream.ReadChunkAsync());

        var stopping = balancer.StopAsync();

        Assert.Contains("200", RawHead.StartLine(head!), StringComparison.Ordinal);
        Assert.Equal("", await client.Stream.ReadChunkAsync());
        await isDraining.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        client.Dispose();
        await stopping;
    }
}
