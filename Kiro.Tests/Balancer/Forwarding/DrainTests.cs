using System.Net.Sockets;
using System.Net.WebSockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Draining and stopping the balancer itself.</summary>
public class DrainTests
{
    private const string Health = "GET /health HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private const string Get = "GET /status/200 HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private const string Hold = "GET /hold HTTP/1.1\r\nHost: a.example\r\n\r\n";

    /// <summary>Long enough for everything that has to happen within it, even on a busy machine.</summary>
    private const string DrainDelay = "DRAIN_DELAY=8";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stop_WithRequestsInFlight_DrainsInOrder()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, DrainDelay);
        using var kept = await RawClient.ConnectAsync(balancer.Port);
        await kept.SendAsync(Get);
        Assert.False((await kept.ReadResponseAsync()).Has("Connection"));
        using var held = await HoldAsync(balancer.Port, node);

        var stopping = balancer.StopAsync();

        // At once: /health reports it, and everything is still served.
        var health = await balancer.ExchangeAsync(Health);
        Assert.Equal(503, health.Status);
        Assert.Contains("\"draining\"", health.Body, StringComparison.Ordinal);
        await kept.SendAsync(Get);
        var response = await kept.ReadResponseAsync();
        Assert.Equal("status 200 of node-1", response.Body);
        Assert.Equal("close", response.Value("Connection"));
        Assert.Equal("", await kept.Stream.ReadToEndAsync());
        Assert.Equal("close", (await balancer.ExchangeAsync(Get)).Value("Connection"));

        // After the delay: new connections are refused, the request in flight completes.
        await Eventually.BeTrue(async () => await IsRefusedAsync(balancer.Port), "new connections are refused");
        Assert.False(stopping.IsCompleted);
        node.Hold.Release();
        Assert.Equal("held by node-1", (await held.ReadResponseAsync()).Body);
        await stopping;
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Stop_WithUploadsInProgress_LetsThemFinish()
    {
        const int Uploads = 32;
        const int Size = 4 * 1024 * 1024;
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Enumerable.Range(0, Uploads).Select(async _ =>
        {
            using var client = await RawClient.ConnectAsync(balancer.Port);
            await client.SendAsync($"POST /count HTTP/1.1\r\nHost: a.example\r\nContent-Length: {Size}\r\n\r\n");
            for (var sent = 0; sent < Size; sent += TestBackendRoutes.Block.Length)
            {
                await client.Stream.WriteAsync(TestBackendRoutes.Block);
                await stopped.Task;
            }

            return await client.ReadResponseAsync();
        }).ToArray();
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == Uploads, "all uploads have begun");

        stopped.SetResult();
        var stopping = balancer.StopAsync();

        foreach (var response in await Task.WhenAll(all))
        {
            Assert.Equal(TestBackendRoutes.Count(Size), response.Body);
        }

        await stopping;
    }

    [Fact]
    public async Task Stop_NodeFailsMeanwhile_IsStillTakenOutOfRotation()
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}", DrainDelay);
        var stopping = balancer.StopAsync();
        await dead.StopAsync();

        using var request = balancer.Request(HttpMethod.Post, "/status/200", dead.Port);
        using var response = await balancer.Http.SendAsync(request, Cancel);

        Assert.Equal("status 200 of alive", await response.Content.ReadAsStringAsync(Cancel));
        await stopping;
    }

    [Fact]
    public async Task Sigterm_WithRequestsInFlight_FinishesThemAndExitsWith0()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, DrainDelay);
        using var held = await HoldAsync(balancer.Port, node);

        balancer.Process.Signal("TERM");

        await Eventually.BeTrue(async () => (await RawClient.ExchangeAsync(balancer.Port, Health)).Status == 503, "it reports draining");
        Assert.Equal(200, (await RawClient.ExchangeAsync(balancer.Port, Get)).Status);
        await Eventually.BeTrue(async () => await IsRefusedAsync(balancer.Port), "new connections are refused");
        Assert.False(balancer.Process.HasExited);
        node.Hold.Release();
        Assert.Equal("held by node-1", (await held.ReadResponseAsync()).Body);
        Assert.Equal(0, await balancer.Process.ExitCode());
        AssertNothingLogged(balancer);
    }

    [Fact]
    public async Task Sigint_WithRequestsInFlight_SkipsTheDelayAndFinishesThem()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "DRAIN_DELAY=3600");
        using var held = await HoldAsync(balancer.Port, node);

        balancer.Process.Signal("INT");

        await Eventually.BeTrue(async () => await IsRefusedAsync(balancer.Port), "new connections are refused");
        node.Hold.Release();
        Assert.Equal("held by node-1", (await held.ReadResponseAsync()).Body);
        Assert.Equal(0, await balancer.Process.ExitCode());
        AssertNothingLogged(balancer);
    }

    [Fact]
    public async Task Sigterm_ThenSigint_CutsTheDelayShort()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "DRAIN_DELAY=3600");
        balancer.Process.Signal("TERM");
        await Eventually.BeTrue(async () => (await RawClient.ExchangeAsync(balancer.Port, Health)).Status == 503, "it reports draining");

        balancer.Process.Signal("INT");

        Assert.Equal(0, await balancer.Process.ExitCode());
        AssertNothingLogged(balancer);
    }

    [Fact]
    public async Task Sigterm_WithAnOpenWebSocket_ClosesItBeforeTheTimeoutAndExitsWith0()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "DRAIN_DELAY=0", "DRAIN_TIMEOUT=15", "STREAM_GRACE=3600");
        using var socket = new ClientWebSocket();
        await TestBalancer.ConnectAsync(socket, balancer.Port, "/socket", balancer.Http);

        balancer.Process.Signal("TERM");
        await Eventually.BeTrue(async () => await IsRefusedAsync(balancer.Port), "new connections are refused");
        await socket.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        Assert.Equal(10, (await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel)).Count);

        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[100].AsMemory(), Cancel)).MessageType);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        Assert.Equal(0, await balancer.Process.ExitCode());
        AssertNothingLogged(balancer);
    }

    private static async Task<RawClient> HoldAsync(int port, TestBackend node)
    {
        var client = await RawClient.ConnectAsync(port);
        await client.SendAsync(Hold);
        await Eventually.BeTrue(() => node.Arrived.Contains("GET /hold"), "a request is in flight");
        return client;
    }

    private static async Task<bool> IsRefusedAsync(int port)
    {
        try
        {
            using var client = await RawClient.ConnectAsync(port);
            return false;
        }
        catch (SocketException refused)
        {
            return refused.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static void AssertNothingLogged(BalancerProcess balancer)
    {
        Assert.DoesNotContain("xception", balancer.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("warn:", balancer.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("fail:", balancer.Process.Output, StringComparison.Ordinal);
    }
}
