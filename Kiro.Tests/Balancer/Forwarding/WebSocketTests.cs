using System.Net.WebSockets;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class WebSocketTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_OfAllTypes_AreEchoed()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = await ConnectAsync(balancer);

        Assert.Equal("héllo", Encoding.UTF8.GetString(await EchoAsync(socket, Encoding.UTF8.GetBytes("héllo"), WebSocketMessageType.Text)));
        byte[] bytes = [0, 1, 2, 255];
        Assert.Equal(bytes, await EchoAsync(socket, bytes, WebSocketMessageType.Binary));
        Assert.Equal(TestBackendRoutes.Block, await EchoAsync(socket, TestBackendRoutes.Block, WebSocketMessageType.Binary));
        Assert.Empty(await EchoAsync(socket, [], WebSocketMessageType.Text));
        for (var number = 0; number < 100; number++)
        {
            Assert.Equal($"{number}", Encoding.UTF8.GetString(await EchoAsync(socket, Encoding.UTF8.GetBytes($"{number}"), WebSocketMessageType.Text)));
        }
    }

    [Fact]
    public async Task Close_ByTheClient_KeepsItsCodeAndReason()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = await ConnectAsync(balancer);

        await socket.CloseAsync((WebSocketCloseStatus)4567, "that is all", Cancel);

        Assert.Equal((4567, "that is all"), ((int)socket.CloseStatus!.Value, socket.CloseStatusDescription));
        await AssertClosedCleanlyAsync(balancer, node.Port);
    }

    [Fact]
    public async Task Close_ByTheNode_KeepsItsCodeAndReason()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = await ConnectAsync(balancer);

        await socket.SendAsync("close me"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        var received = await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);

        Assert.Equal(WebSocketMessageType.Close, received.MessageType);
        Assert.Equal((4321, "as you wish"), ((int)socket.CloseStatus!.Value, socket.CloseStatusDescription));
        await AssertClosedCleanlyAsync(balancer, node.Port);
    }

    [Fact]
    public async Task Subprotocol_ChosenByTheNode_IsNegotiated()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        using var socket = await ConnectAsync(balancer, "chat.v2", "chat.v1");

        Assert.Equal("chat.v2", socket.SubProtocol);
    }

    [Fact]
    public async Task Pings_FromTheClient_GetPongsFromTheNode()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = new ClientWebSocket();
        // ClientWebSocket aborts the connection if no pong arrives in time.
        socket.Options.KeepAliveInterval = TimeSpan.FromMilliseconds(100);
        socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(10);
        await balancer.ConnectAsync(socket, "/socket");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(12));

        var received = socket.ReceiveAsync(new byte[100].AsMemory(), Cancel).AsTask();
        await Task.WhenAny(received, Task.Delay(Timeout.Infinite, limit.Token));

        Assert.Equal(WebSocketState.Open, socket.State);
    }

    [Fact]
    public async Task Node_Refuses_TheNextOneUpgrades()
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}");
        await dead.StopAsync();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("X-Forwarded-For", balancer.ClientOf(dead.Port));

        await balancer.ConnectAsync(socket, "/socket");

        Assert.Equal([1], await EchoAsync(socket, [1], WebSocketMessageType.Binary));
        Assert.Equal(BackendState.Down, balancer.Backend(dead.Port).Health.State);
    }

    [Fact]
    public async Task Upgrade_DeclinedByTheNode_ForwardsItsResponse()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(
            () => balancer.ConnectAsync(socket, "/status/403"));

        Assert.Equal(403, (int)socket.HttpStatusCode);
    }

    [Fact]
    public async Task Node_Dies_AbortsTheConnection()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var socket = await ConnectAsync(balancer);
        await EchoAsync(socket, [1], WebSocketMessageType.Binary);

        await node.StopAsync();

        await Assert.ThrowsAnyAsync<WebSocketException>(async () => await socket.ReceiveAsync(new byte[1].AsMemory(), Cancel));
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the connection is over");
    }

    private static async Task<ClientWebSocket> ConnectAsync(TestBalancer balancer, params string[] protocols)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols)
        {
            socket.Options.AddSubProtocol(protocol);
        }

        await balancer.ConnectAsync(socket, "/socket");
        return socket;
    }

    private static async Task<byte[]> EchoAsync(ClientWebSocket socket, byte[] message, WebSocketMessageType kind)
    {
        var sending = socket.SendAsync(message.AsMemory(), kind, endOfMessage: true, Cancel).AsTask();
        using var echo = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(), Cancel);
            echo.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        await sending;
        Assert.Equal(kind, received.MessageType);
        return echo.ToArray();
    }

    private static async Task AssertClosedCleanlyAsync(TestBalancer balancer, int port)
    {
        await Eventually.BeTrue(() => balancer.Backend(port).Counters.InFlight == 0, "the connection is over");
        Assert.Equal(0, balancer.Backend(port).Counters.Failures);
        Assert.Empty(balancer.Logs);
    }
}
