using System.Threading.Channels;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Data is forwarded as it arrives, not when a buffer is full.</summary>
public class StreamingTests
{
    private const string Get = "GET /stream HTTP/1.1\r\nHost: a.example\r\nAccept: text/event-stream\r\n\r\n";

    [Theory]
    [InlineData("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n")]
    public async Task Response_InPieces_ArrivesPieceByPiece(string fields)
    {
        var pieces = Channel.CreateUnbounded<string>();
        await using var node = Scripted(pieces.Reader);
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Get);
        pieces.Writer.TryWrite("HTTP/1.1 200 OK\r\n" + fields);
        Assert.NotNull(await client.Stream.ReadHeadAsync());
        for (var number = 1; number <= 20; number++)
        {
            var sent = $"data: {number}\n\n";
            pieces.Writer.TryWrite($"{sent.Length:x}\r\n{sent}\r\n");
            Assert.Equal(sent, await client.Stream.ReadChunkAsync());
        }

        pieces.Writer.TryWrite("0\r\n\r\n");
        Assert.Equal("", await client.Stream.ReadChunkAsync());
    }

    [Fact]
    public async Task Response_WithLengthInPieces_ArrivesPieceByPiece()
    {
        var pieces = Channel.CreateUnbounded<string>();
        await using var node = Scripted(pieces.Reader);
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Get);
        pieces.Writer.TryWrite("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        Assert.NotNull(await client.Stream.ReadHeadAsync());
        pieces.Writer.TryWrite("hello");
        Assert.Equal("hello", await client.Stream.ReadAsync(5));
        pieces.Writer.TryWrite("world");
        Assert.Equal("world", await client.Stream.ReadAsync(5));
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Content-Length: 200")]
    public async Task Request_InPieces_ArrivesPieceByPiece(string framing)
    {
        var isChunked = framing.EndsWith("chunked", StringComparison.Ordinal);
        var arrived = Channel.CreateUnbounded<string>();
        await using var node = new RawBackend(async exchange =>
        {
            for (var number = 1; number <= 20; number++)
            {
                arrived.Writer.TryWrite((isChunked ? await exchange.Connection.ReadChunkAsync() : await exchange.Connection.ReadAsync(10))!);
            }

            if (isChunked)
            {
                await exchange.Connection.ReadChunkedAsync();
            }

            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n");
        for (var number = 1; number <= 20; number++)
        {
            var sent = $"piece {number:0000}";
            await client.SendAsync(isChunked ? $"{sent.Length:x}\r\n{sent}\r\n" : sent);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            Assert.Equal(sent, await arrived.Reader.ReadAsync(limit.Token));
        }

        if (isChunked)
        {
            await client.SendAsync("0\r\n\r\n");
        }

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Response_BeginsBeforeTheRequestBodyEnds_IsComplete()
    {
        // Over HTTP/1.1, HttpClient reads no response before it has sent the whole request.
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (await exchange.Connection.ReadChunkAsync() is { Length: > 0 } chunk)
            {
                await exchange.WriteAsync($"{chunk.Length:x}\r\n{chunk}\r\n");
            }

            await exchange.Connection.ReadLineAsync();
            await exchange.WriteAsync("0\r\n\r\n");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        var response = client.ReadResponseAsync();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(response.IsCompleted);
        await client.SendAsync("5\r\n then\r\n0\r\n\r\n");

        Assert.Equal("first then", (await response).Body);
    }

    [Fact]
    public async Task Upgraded_BothDirections_CarryAnyBytes()
    {
        // Ping, pong, masks, close frames: after the upgrade the bytes are opaque.
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n");
            while (await exchange.Connection.ReadAsync(6) is { Length: 6 } bytes)
            {
                await exchange.WriteAsync("echo " + bytes);
            }
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        var response = await client.ReadResponseAsync();
        Assert.Equal(101, response.Status);
        Assert.Equal("Upgrade", response.Value("Connection"));
        Assert.Equal("websocket", response.Value("Upgrade"));
        Assert.Equal("x", response.Value("Sec-WebSocket-Accept"));
        foreach (var frame in (string[])["\u0089\u0080mask", "\u008a\0\u0001\u0002\u0003\u0004", "\u0088\u0082\u00ff\u00fe\0\0"])
        {
            await client.SendAsync(frame);
            Assert.Equal("echo " + frame, await client.Stream.ReadAsync(11));
        }

        Assert.Equal(1, balancer.Backend(node.Port).Counters.InFlight);
        client.Dispose();
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the connection is over");
        Assert.Equal(0, balancer.Backend(node.Port).Counters.Failures);
    }

    private static RawBackend Scripted(ChannelReader<string> pieces) => new(async exchange =>
    {
        await foreach (var piece in pieces.ReadAllAsync(CancellationToken.None))
        {
            await exchange.WriteAsync(piece);
        }
    });
}
