using System.Net.WebSockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Streams;

/// <summary>Long-lived connections are closed after the grace period, as their protocol requires.</summary>
public class StreamDrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WebSocket_ItsNodeDrains_IsClosedWith1001AfterTheGrace()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "HEALTH_INTERVAL=0.2", "STREAM_GRACE=1");
        using var socket = await ConnectAsync(balancer);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        Assert.Equal(WebSocketMessageType.Text, (await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel)).MessageType);

        node.IsDraining = true;
        var closing = await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel);

        Assert.Equal(WebSocketMessageType.Close, closing.MessageType);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, Cancel);
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the connection is over");
    }

    [Fact]
    public async Task WebSocket_TheClientIgnoresTheClose_IsCutOff()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "HEALTH_INTERVAL=0.2", "STREAM_GRACE=0");
        using var socket = await ConnectAsync(balancer);

        node.IsDraining = true;

        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the connection is over");
    }

    [Fact]
    public async Task WebSocket_TheClientDoesNotRead_IsCutOff()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "HEALTH_INTERVAL=0.2", "STREAM_GRACE=1");
        using var socket = await ConnectAsync(balancer);
        // Unread echoes fill every buffer until the node's writes block.
        var message = new byte[1024 * 1024];
        for (var sent = 0; sent < 64; sent++)
        {
            var sending = socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, true, Cancel).AsTask();
            if (await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(1), Cancel)) != sending)
            {
                break;
            }
        }

        node.IsDraining = true;

        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the connection is over");
    }

    [Fact]
    public async Task WebSocket_TheBalancerStops_IsClosedWith1001AndDoesNotHoldItUp()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "STREAM_GRACE=0.5", "DRAIN_TIMEOUT=3600");
        using var socket = await ConnectAsync(balancer);

        var stopping = balancer.StopAsync();
        var closing = await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel);
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, Cancel);
        // Not when its limit is reached.
        await stopping.WaitAsync(TimeSpan.FromSeconds(Eventually.Patience), Cancel);

        Assert.Equal(WebSocketMessageType.Close, closing.MessageType);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
    }

    [Fact]
    public async Task Events_TheBalancerStops_EndCompletely()
    {
        var forever = new TaskCompletionSource();
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
            await forever.Task;
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, "STREAM_GRACE=0.5");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync("GET /events HTTP/1.1\r\nHost: a.example\r\nAccept: text/event-stream\r\n\r\n");
        Assert.NotNull(await client.Stream.ReadHeadAsync());
        Assert.Equal("data: 1\n\n", await client.Stream.ReadChunkAsync());

        var stopping = balancer.StopAsync();

        // The last chunk, not an aborted connection.
        Assert.Equal("", await client.Stream.ReadChunkAsync());
        await stopping;
        forever.SetResult();
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestBalancer balancer)
    {
        var socket = new ClientWebSocket();
        await balancer.ConnectAsync(socket, "/socket");
        return socket;
    }
}
