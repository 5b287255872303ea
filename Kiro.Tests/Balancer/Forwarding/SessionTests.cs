using System.Net.Http.Json;
using System.Net.WebSockets;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Sessions (<c>SESSION_IDLE</c>) stay on their node, whichever way requests are forwarded.</summary>
public class SessionTests
{
    private static readonly string[] Settings = ["SESSION_IDLE=3600", "STREAM_GRACE=0", "ADMIN_TOKEN=secret", "HEALTH_INTERVAL=0.3"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drain_ClientWithASession_StaysUntilEvacuation()
    {
        await using var leaving = await TestBackend.StartAsync("leaving");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{leaving.Host},{other.Host}", Settings);
        Assert.Equal("leaving", await balancer.NodeOfAsync(leaving.Port));

        await PostAsync(balancer, leaving, "drain");

        Assert.Equal(BackendState.Draining, balancer.Backend(leaving.Port).Health.State);
        Assert.Equal("leaving", await balancer.NodeOfAsync(leaving.Port));
        using var newcomer = new HttpRequestMessage(HttpMethod.Get, "/echo");
        newcomer.Headers.Add("X-Forwarded-For", balancer.ClientOf(leaving.Port, skip: 1));
        using var response = await balancer.Http.SendAsync(newcomer, Cancel);
        Assert.Equal("other", (await response.Content.ReadFromJsonAsync<ReceivedRequest>(Cancel))!.Node);

        await PostAsync(balancer, leaving, "evacuate");
        Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));

        // The session stays there when the first node is back.
        await PostAsync(balancer, leaving, "resume");
        Assert.Equal(BackendState.Up, balancer.Backend(leaving.Port).Health.State);
        Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));
    }

    [Fact]
    public async Task Drain_TimeoutPasses_IsEvacuated()
    {
        await using var leaving = await TestBackend.StartAsync("leaving");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{leaving.Host},{other.Host}", Settings);
        Assert.Equal("leaving", await balancer.NodeOfAsync(leaving.Port));

        await PostAsync(balancer, leaving, "drain?timeout=0.5");

        await Eventually.BeTrue(async () => await balancer.NodeOfAsync(leaving.Port) == "other", "the client has moved");
        Assert.Equal(DrainReasons.Operator, balancer.Backend(leaving.Port).Health.DrainReasons);
    }

    [Fact]
    public async Task Drain_WebSocketIsOpen_StaysOpenUntilEvacuation()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Settings);
        using var socket = new ClientWebSocket();
        await balancer.ConnectAsync(socket, "/socket");

        await PostAsync(balancer, node, "drain");
        // Longer than the balancer takes to act on the drain.
        await Task.Delay(1500, Cancel);
        await socket.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        Assert.Equal(10, (await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel)).Count);

        await PostAsync(balancer, node, "evacuate");
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel)).MessageType);
    }

    [Fact]
    public async Task Node_DrainsItself_LosesItsSessionsAtOnce()
    {
        await using var leaving = await TestBackend.StartAsync("leaving");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{leaving.Host},{other.Host}", Settings);
        Assert.Equal("leaving", await balancer.NodeOfAsync(leaving.Port));

        leaving.IsDraining = true;
        await Eventually.BeTrue(() => balancer.Backend(leaving.Port).Health.State == BackendState.Draining, "the node drains");

        Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));
        leaving.IsDraining = false;
        await Eventually.BeTrue(() => balancer.Backend(leaving.Port).Health.State == BackendState.Up, "the node is back");
        Assert.Equal("other", await balancer.NodeOfAsync(leaving.Port));
    }

    [Fact]
    public async Task Node_Refuses_LosesItsSessionToTheNextNode()
    {
        var gone = await TestBackend.StartAsync("gone");
        await using var one = await TestBackend.StartAsync("one");
        await using var two = await TestBackend.StartAsync("two");
        await using var balancer = await TestBalancer.StartAsync($"{gone.Host},{one.Host},{two.Host}", [.. Settings, "HEALTH_INTERVAL=3600"]);
        Assert.Equal("gone", await balancer.NodeOfAsync(gone.Port));
        await gone.DisposeAsync();

        var next = await balancer.NodeOfAsync(gone.Port);

        Assert.NotEqual("gone", next);
        Assert.Equal(next, await balancer.NodeOfAsync(gone.Port));
        Assert.Equal(BackendState.Down, balancer.Backend(gone.Port).Health.State);
    }

    private static async Task PostAsync(TestBalancer balancer, TestBackend node, string action)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{node.Host}/{action}");
        request.Headers.Authorization = new("Bearer", "secret");
        (await balancer.Http.SendAsync(request, Cancel)).EnsureSuccessStatusCode();
    }
}
