using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>Three balancers as processes.</summary>
public sealed class PeerProcessTests : IAsyncLifetime
{
    private const string Token = "a-token-of-24-characters";

    private readonly int _port = FreePort.Range(3);
    private readonly BalancerProcess?[] _balancers = new BalancerProcess?[3];
    private TestBackend[] _nodes = [];

    public async ValueTask InitializeAsync() =>
        _nodes = [await TestBackend.StartAsync("node-1"), await TestBackend.StartAsync("node-2")];

    [Fact]
    public async Task Order_AtOne_IsExecutedByAllAndSurvivesEachOfThem()
    {
        await StartAllAsync();
        await OrderAsync(0, "drain");
        await OrderAsync(1, "weight", """{"weight":3}""");
        await Eventually.BeTrue(() => AllAreAsync("draining", 3), "all drain the node and have its weight");
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 3).Select(PeersOf)), peers => Assert.Equal(2, peers.Count));

        // The one that got the order is no longer needed, and a starting one has it before it serves.
        await KillAsync(0);
        await KillAsync(2);
        await StartAsync(2);
        await Eventually.BeTrue(async () => StateOf(await Status(2)) == ("draining", 3), "the one that started drains the node");
        // On a busy machine, the other one may respond too late, so it may have been up for a moment.
        if (!_balancers[2]!.Process.Output.Contains("respond", StringComparison.Ordinal))
        {
            Assert.DoesNotContain((await Status(2)).GetProperty("events").EnumerateArray(), @event => @event.GetProperty("kind").GetString() == "up"
                && @event.GetProperty("nodes").EnumerateArray().Any(node => node.GetProperty("id").GetString() == _nodes[0].Host));
        }


        await OrderAsync(2, "resume");
        await Eventually.BeTrue(async () => StateOf(await Status(1)) == ("up", 3), "the other one resumes it");
        // It continues alone.
        await KillAsync(1);
        using var request = await _balancers[2]!.Http.GetAsync("/hello", TestContext.Current.CancellationToken);
        Assert.True(request.IsSuccessStatusCode);
        await OrderAsync(2, "drain");
        Assert.Equal("draining", StateOf(await Status(2)).State);
    }

    [Fact]
    public async Task Order_WhileOneIsFrozen_ReachesItLater()
    {
        await StartAllAsync();
        await OrderAsync(0, "drain");
        await Eventually.BeTrue(() => AllAreAsync("draining", 1), "all drain the node");
        _balancers[2]!.Process.Signal("STOP");
        await OrderAsync(0, "resume");
        await OrderAsync(1, "weight", """{"weight":2}""");
        await Eventually.BeTrue(async () => StateOf(await Status(1)) == ("up", 2) && StateOf(await Status(0)) == ("up", 2), "the others do not wait for it");
        await Eventually.BeTrue(async () => (await PeersOf(0)).Exists(peer => !peer.GetProperty("reachable").GetBoolean()), "it is missed");
        _balancers[2]!.Process.Signal("CONT");

        await Eventually.BeTrue(() => AllAreAsync("up", 2), "it catches up");
        await Eventually.BeTrue(async () => (await PeersOf(0)).TrueForAll(peer => peer.GetProperty("inStep").GetBoolean()), "all are in step");
    }

    [Fact]
    public async Task Start_DifferentToken_IsRefusedAndCounted()
    {
        await StartAsync(0);
        await StartAsync(1, "ADMIN_TOKEN=another-token-altogether");
        await Eventually.BeTrue(async () => (await Status(0)).GetProperty("limits").GetProperty("adminTokens").GetProperty("wrong").GetInt32() > 0, "its token is refused");
        await OrderAsync(0, "drain");

        await Eventually.BeTrue(() => AnyErrsAsync(1, "has a different ADMIN_TOKEN"), "the other one is told so");
        Assert.Equal("up", StateOf(await Status(1)).State);
        Assert.All(_balancers.OfType<BalancerProcess>(), balancer => Assert.DoesNotContain("token-", balancer.Process.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_PeerWithoutPeers_IsAWarning()
    {
        // Without a token, a balancer responds as older versions do.
        await StartAsync(1, "ADMIN_TOKEN=", "BALANCER_PEERS=");
        await StartAsync(0);

        await Eventually.BeTrue(
            () => AnyErrsAsync(0, "does not accept admin actions from peers: it is of an older version, or has no ADMIN_TOKEN"), "the other one is told of");
        Assert.All(await PeersOf(0), peer => Assert.False(peer.GetProperty("reachable").GetBoolean()));
        Assert.DoesNotContain("Error", _balancers[0]!.Process.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Start_PeerNeverResponds_IsDelayedOnlyBySeconds()
    {
        await using var silent = new SocketServer((_, stop) => Task.Delay(Timeout.Infinite, stop));
        await StartAsync(0, $"BALANCER_PEERS=127.0.0.1:{silent.Port}");

        await Eventually.BeTrue(() => AnyErrsAsync(0, "does not respond"), "it serves and says so");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var balancer in _balancers.OfType<BalancerProcess>())
        {
            balancer.Process.Signal("CONT");
            await balancer.DisposeAsync();
        }

        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    private async Task StartAllAsync() => await Task.WhenAll(StartAsync(0), StartAsync(1), StartAsync(2));

    private async Task StartAsync(int number, params string[] settings) => _balancers[number] = await BalancerProcess.StartOnAsync(
        _port + number, string.Join(',', _nodes.Select(node => node.Host)),
        ["HEALTH_INTERVAL=1", $"ADMIN_TOKEN={Token}", $"BALANCER_PEERS=127.0.0.1:{_port},127.0.0.1:{_port + 1},localhost:{_port + 2}", .. settings]);

    private async Task KillAsync(int number)
    {
        _balancers[number]!.Process.Signal("KILL");
        await _balancers[number]!.DisposeAsync();
        _balancers[number] = null;
    }

    private async Task OrderAsync(int number, string verb, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{_nodes[0].Host}/{verb}") { Content = body is null ? null : new StringContent(body) };
        request.Headers.Add("Authorization", $"Bearer {Token}");
        using var response = await _balancers[number]!.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{verb}: {response.StatusCode}");
    }

    private async Task<JsonElement> Status(int number) =>
        await _balancers[number]!.Http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken);

    private async Task<List<JsonElement>> PeersOf(int number) => [.. (await Status(number)).GetProperty("peers").EnumerateArray()];

    private async Task<bool> AnyErrsAsync(int number, string error) => (await PeersOf(number)).Exists(peer => peer.GetProperty("error").GetString() == error);

    private async Task<bool> AllAreAsync(string state, double weight) =>
        (await Task.WhenAll(Enumerable.Range(0, 3).Select(Status))).All(status => StateOf(status) == (state, weight));

    private (string State, double Weight) StateOf(JsonElement status)
    {
        var nodePort = _nodes[0].Port;
        var node = status.GetProperty("backends").EnumerateArray().Single(one => one.GetProperty("port").GetInt32() == nodePort);
        return (node.GetProperty("state").GetString()!, node.GetProperty("weight").GetDouble());
    }
}
