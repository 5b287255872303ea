using System.Threading.Channels;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding;

/// <summary>Exchanges in which nothing moves any more, and those that are only slow.</summary>
public class StalledExchangeTests
{
    /// <summary>In seconds; within the timeout.</summary>
    private static readonly int Slow = (int)ForwardingTimeouts.Default.Exchange.TotalSeconds * 2 / 3;

    private static readonly int SlowStream = (int)ForwardingTimeouts.Default.Stream.TotalSeconds * 2 / 3;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", "\r\n")]
    [InlineData("POST / HTTP/1.1\r\n", "Content-Length: 5\r\n\r\nhello")]
    public async Task Response_ThatNeverStarts_Is504WithoutARetry(string start, string rest)
    {
        var end = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var silent = new RawBackend(async exchange =>
        {
            await exchange.ReadBodyAsync();
            end.SetResult(await exchange.Connection.ReadToEndAsync());
        });
        await using var other = RawBackend.Responding();
        await using var clock = await BalancerOnFakeTime.StartAsync($"{silent.Host},{other.Host}");
        var balancer = clock.Balancer;
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"{start}Host: a.example\r\nX-Forwarded-For: {balancer.ClientOf(silent.Port)}\r\n{rest}");
        await Eventually.BeTrue(() => silent.Heads.Count == 1, "the node has the request");
        await clock.AdvanceAsync(Slow);
        Assert.Equal(1, balancer.Backend(silent.Port).Counters.InFlight);
        Assert.False(end.Task.IsCompleted);
        await clock.AdvanceAsync(Slow);
        var answer = await client.ReadResponseAsync();

        Assert.Equal((504, ProblemText.Of(504, "Gateway Timeout", "no response in time")), (answer.Status, answer.Body));
        Assert.Equal("", await end.Task.WaitAsync(Cancel));
        Assert.Single(silent.Heads);
        Assert.Empty(other.Heads);
        Assert.Equal(1, balancer.Backend(silent.Port).Counters.Failures);
    }

    [Theory]
    [InlineData("HTTP/1.1", "Content-Length: 100\r\n\r\nhello")]
    [InlineData("HTTP/1.1", "Content-Length: 100000\r\n\r\nhello")]
    [InlineData("HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1", "Connection: close\r\n\r\nhello")]
    [InlineData("HTTP/1.0", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.0", "Connection: close\r\n\r\nhello")]
    public async Task Response_ThatStalls_IsTruncatedForTheClient(string version, string rest)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\n" + rest);
            await exchange.Connection.ReadToEndAsync();
        });
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host);
        var balancer = clock.Balancer;
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"GET / {version}\r\nHost: a.example\r\n\r\n");
        var head = await client.Stream.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        await clock.AdvanceAsync(Slow);
        Assert.Equal(1, balancer.Backend(node.Port).Counters.InFlight);
        await clock.AdvanceAsync(Slow);
        var answer = await client.ReadResponseAsync(head!, isHead: false);

        // Only a reset tells an HTTP/1.0 client that the response is incomplete.
        Assert.True(version == "HTTP/1.1" ? !answer.IsComplete : client.Stream.WasReset, answer.ToString());
        await Eventually.BeTrue(() => balancer.Logs.Count > 0, "the balancer says so");
        Assert.Contains("the response stalled", Assert.Single(balancer.Logs), StringComparison.Ordinal);
        Assert.Equal(1, balancer.Backend(node.Port).Counters.Failures);
    }

    [Theory]
    [InlineData("Content-Length: 30")]
    [InlineData("Content-Length: 100000")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Connection: close")]
    public async Task Response_Slow_IsComplete(string framing)
    {
        var isChunked = framing.EndsWith("chunked", StringComparison.Ordinal);
        var pieces = Channel.CreateUnbounded<string>();
        await using var node = Scripted(pieces.Reader);
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port);

        await client.SendAsync("GET / HTTP/1.0\r\n\r\n");
        await Eventually.BeTrue(() => node.Heads.Count == 1, "the node has the request");
        await clock.AdvanceAsync(Slow);
        pieces.Writer.TryWrite($"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
        Assert.NotNull(await client.Stream.ReadHeadAsync());
        for (var number = 0; number < 3; number++)
        {
            await clock.AdvanceAsync(Slow);
            pieces.Writer.TryWrite(isChunked ? $"a\r\nten bytes{number}\r\n" : $"ten bytes{number}");
            Assert.Equal($"ten bytes{number}", await client.Stream.ReadAsync(10));
        }

        Assert.Empty(clock.Balancer.Logs);
    }

    [Theory]
    [InlineData("Content-Length: 30")]
    [InlineData("Content-Length: 100000")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task RequestBody_Slow_IsComplete(string framing)
    {
        var isChunked = framing.EndsWith("chunked", StringComparison.Ordinal);
        var arrived = Channel.CreateUnbounded<string>();
        await using var node = new RawBackend(async exchange =>
        {
            for (var number = 0; number < 3; number++)
            {
                arrived.Writer.TryWrite((isChunked ? await exchange.Connection.ReadChunkAsync() : await exchange.Connection.ReadAsync(10))!);
            }

            await exchange.OkAsync("ok");
        });
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n");
        await Eventually.BeTrue(() => node.Heads.Count == 1, "the node has the request");
        for (var number = 0; number < 3; number++)
        {
            await clock.AdvanceAsync(Slow);
            await client.SendAsync(isChunked ? $"a\r\nten bytes{number}\r\n" : $"ten bytes{number}");
            Assert.Equal($"ten bytes{number}", await arrived.Reader.ReadAsync(Cancel));
        }

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        Assert.Empty(clock.Balancer.Logs);
    }

    [Fact]
    public async Task RequestBody_NotReadByTheNode_IsAborted()
    {
        const int Size = 500_000_000;
        await using var node = new RawBackend(_ => Task.Delay(Timeout.Infinite, Cancel));
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host);
        var balancer = clock.Balancer;
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: {Size}\r\n\r\n");
        var sending = new ByteFlood(client.Stream.WriteAsync);
        await sending.WaitUntilStalledAsync();

        await clock.AdvanceAsync(Slow * 2);

        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the request is over");
        var answer = await client.Stream.ReadToEndAsync();
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 504 ", StringComparison.Ordinal), answer);
        Assert.Contains("no response in time", Assert.Single(balancer.Logs), StringComparison.Ordinal);
        await sending.Ended;
    }

    [Fact]
    public async Task EventStream_Silent_HasALongerTimeout()
    {
        var pieces = Channel.CreateUnbounded<string>();
        await using var node = Scripted(pieces.Reader);
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        pieces.Writer.TryWrite("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        Assert.NotNull(await client.Stream.ReadHeadAsync());
        for (var number = 0; number < 2; number++)
        {
            await clock.AdvanceAsync(SlowStream);
            pieces.Writer.TryWrite($"8\r\ndata: {number}\n\r\n");
            Assert.Equal($"data: {number}\n", await client.Stream.ReadChunkAsync());
        }

        await clock.AdvanceAsync(SlowStream);
        await clock.AdvanceAsync(SlowStream);

        Assert.Null(await client.Stream.ReadChunkAsync());
    }

    private static RawBackend Scripted(ChannelReader<string> pieces) => new(async exchange =>
    {
        await foreach (var piece in pieces.ReadAllAsync(CancellationToken.None))
        {
            await exchange.WriteAsync(piece);
        }
    });
}
