using System.Text;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front;

/// <summary>Bodies that are spliced through pipes.</summary>
public sealed class LongBodyTests
{
    private const int Length = 3_000_000;

    private static readonly string Body = string.Create(Length, 0, static (text, _) =>
    {
        for (var at = 0; at < text.Length; at++)
        {
            text[at] = (char)('a' + at % 25);
        }
    });

    public LongBodyTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");

    [Fact]
    public async Task Response_MoreSlowReadersThanPipes_IsComplete()
    {
        await using var node = Sending(Body);
        await using var balancer = await StartAsync(node);
        var clients = new List<RawClient>();
        for (var number = 0; number < PipePool.Max + 16; number++)
        {
            var client = await RawClient.ConnectAsync(balancer.Port, receiveBuffer: 4096);
            clients.Add(client);
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        }

        await Eventually.BeTrue(() => balancer.Front.OpenPipes == PipePool.Max, "all pipes are in use");
        foreach (var client in clients)
        {
            Assert.Equal(Body, (await client.ReadResponseAsync()).Body);
            client.Dispose();
        }

        await Eventually.BeTrue(() => balancer.Front.OpenPipes is > 0 and < 8, "only a few empty ones are kept");
        Assert.Equal(0, balancer.Front.HeldBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection: close\r\n")]
    public async Task Response_SlowReader_IsCompleteHoweverLongItTakes(string field)
    {
        await using var node = Sending(Body);
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host, "FORWARDER=loop", "FRONT_LOOPS=1", "EXCHANGE_TIMEOUT=20", "CLIENT_IDLE_TIMEOUT=5");
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port, receiveBuffer: 4096);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n");
        Assert.Contains($"Content-Length: {Length}", await client.Stream.ReadHeadAsync(), StringComparison.Ordinal);

        // In steps too small for the kernel's buffer to have room after each.
        const int Step = 100_000;
        var received = new StringBuilder();
        while (received.Length < Length)
        {
            await clock.AdvanceAsync(15);
            received.Append(await client.Stream.ReadAsync(Math.Min(Step, Length - received.Length)));
        }

        Assert.Equal(Body, received.ToString());
    }

    [Fact]
    public async Task Response_ClientStopsReading_IsAborted()
    {
        await using var node = Sending(Body);
        await using var clock = await BalancerOnFakeTime.StartAsync(node.Host, "FORWARDER=loop", "FRONT_LOOPS=1", "EXCHANGE_TIMEOUT=20");
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port, receiveBuffer: 4096);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        _ = await client.Stream.ReadHeadAsync();
        await Eventually.BeTrue(() => clock.Balancer.Front.OpenPipes > 0, "the kernel's buffers are full");

        // What the client's own buffer takes meanwhile counts as read.
        await Eventually.BeTrue(
            async () =>
            {
                await clock.AdvanceAsync(25);
                return clock.Balancer.Front.Clients == 0;
            },
            "the connection is closed");
    }

    [Fact]
    public async Task Response_WithAPipelinedRequest_IsFollowedByTheNext()
    {
        await using var node = Sending(Body);
        await using var balancer = await StartAsync(node);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal(Body, (await client.ReadResponseAsync()).Body);
        Assert.Equal(Body, (await client.ReadResponseAsync()).Body);
        Assert.Equal(["GET /1", "GET /2"], node.Heads.Select(head => head[..6]));
    }

    [Fact]
    public async Task Response_Truncated_ClientGetsWhatArrived()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {Length}\r\n\r\n{Body[..1_000_000]}");
            exchange.Close();
        });
        await using var balancer = await StartAsync(node);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Contains($"Content-Length: {Length}", await client.Stream.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(Body[..1_000_000], await client.Stream.ReadToEndAsync());
        Assert.False(client.Stream.WasReset);
    }

    [Fact]
    public async Task Response_ClientAborts_ReturnsThePipe()
    {
        await using var node = Sending(Body);
        await using var balancer = await StartAsync(node);
        for (var number = 0; number < 2 * PipePool.Max; number++)
        {
            using var client = await RawClient.ConnectAsync(balancer.Port, receiveBuffer: 4096);
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            _ = await client.Stream.ReadHeadAsync();
        }

        await Eventually.BeTrue(() => balancer.Front is { Clients: 0, OpenPipes: < 8 }, "nothing is held for clients that are gone");
        Assert.Equal(0, balancer.Backend(node.Port).Counters.InFlight);
    }

    [Fact]
    public async Task Request_LongBody_IsComplete()
    {
        await using var node = new RawBackend(async exchange =>
        {
            var body = await exchange.ReadBodyAsync();
            await exchange.OkAsync(body == Body ? "whole" : $"{body.Length} other bytes");
        });
        await using var balancer = await StartAsync(node);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {Length}\r\n\r\n");
        await client.SendAsync(Body);

        Assert.Equal("whole", (await client.ReadResponseAsync()).Body);
        Assert.InRange(balancer.Front.OpenPipes, 1, 4);
    }

    private static RawBackend Sending(string body) =>
        new(exchange => exchange.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    private static Task<TestBalancer> StartAsync(RawBackend node) => TestBalancer.StartAsync(node.Host, "FORWARDER=loop", "FRONT_LOOPS=1");
}
