using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>Two balancers as processes, ten nodes, and 500 clients with a session each, which use both.</summary>
public sealed class SharedSessionProcessTests : IAsyncLifetime
{
    private const string Token = "a-token-of-24-characters";
    private const int Clients = 500;

    private readonly int _port = FreePort.Range(2);
    private readonly BalancerProcess?[] _balancers = new BalancerProcess?[2];
    private readonly TestBackend[] _nodes = new TestBackend[10];

    public async ValueTask InitializeAsync()
    {
        for (var number = 0; number < _nodes.Length; number++)
        {
            _nodes[number] = await TestBackend.StartAsync($"node-{number + 1}");
        }

        foreach (var node in _nodes.Skip(5))
        {
            await node.StopAsync();
        }
    }

    [Fact]
    public async Task Requests_ThroughBothWhileTheClusterChanges_KeepTheirSessions()
    {
        await Task.WhenAll(StartAsync(0), StartAsync(1));
        await UpAsync(5);
        var nodes = await ServeAsync(0);
        await HeardAsync(1, nodes);
        Assert.Equal(nodes, await ServeAsync(1));

        foreach (var node in _nodes.Skip(5))
        {
            await node.StartAsync();
        }

        await UpAsync(10);
        Assert.Equal(nodes, await ServeAsync(1));
        Assert.Equal(nodes, await ServeAsync(0));
        Tell("scale 5 → 10", nodes, nodes);

        await WeighAsync(0, 5);
        Assert.Equal(nodes, await ServeAsync(1));
        Tell("a weight changes", nodes, nodes);

        // Its own clients move, to the same nodes at both.
        await _nodes[2].StopAsync();
        await UpAsync(9);
        var moved = await ServeAsync(1);
        Assert.All(nodes.Zip(moved), pair => Assert.True(pair.First == pair.Second || pair.First == "node-3"));
        Assert.DoesNotContain("node-3", moved);
        await HeardAsync(0, moved);
        await _nodes[2].StartAsync();
        await UpAsync(10);
        Assert.Equal(moved, await ServeAsync(0));
        Assert.Equal(moved, await ServeAsync(1));
        Tell("a node is killed and returns", nodes, moved);

        // A restarted one synchronizes before it serves.
        await KillAsync(0);
        await StartAsync(0);
        await UpAsync(10);
        if (_balancers[0]!.Process.Output.Contains("respond", StringComparison.Ordinal))
        {
            // On a busy machine, the peer may take longer than the start waits for it.
            return;
        }

        Assert.Equal(moved, await ServeAsync(0));
        Tell("a balancer is killed and returns", moved, moved);

        // It continues without its peer.
        await KillAsync(1);
        Assert.Equal(moved, await ServeAsync(0));
        Tell("its peer is killed", moved, moved);
    }

    [Fact]
    public async Task Start_PeerKeepsNoSessions_IsSentNone()
    {
        await Task.WhenAll(StartAsync(0), StartAsync(1, "SESSION_IDLE=0"));
        await UpAsync(5);
        await ServeAsync(0);

        await Eventually.BeTrue(async () => (await StatusAsync(0)).GetProperty("peers")[0].GetProperty("reachable").GetBoolean(), "it is known");
        Assert.Equal(JsonValueKind.Null, (await StatusAsync(0)).GetProperty("peers")[0].GetProperty("untoldSessions").ValueKind);
    }

    [Fact]
    public async Task Respond_Unauthenticated_IsRefused()
    {
        await Task.WhenAll(StartAsync(0), StartAsync(1));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/lb/peers/sessions") { Content = new ByteArrayContent([1, 2, 3]) };
        using var stranger = await _balancers[0]!.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        using var broken = await OrderAsync(0, "/lb/peers/sessions", new ByteArrayContent([1, 2, 3]));
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var balancer in _balancers.OfType<BalancerProcess>())
        {
            await balancer.DisposeAsync();
        }

        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static string Client(int number) => string.Create(CultureInfo.InvariantCulture, $"203.0.{113 + (number / 250)}.{number % 250}");

    private static void Tell(string change, string[] before, string[] after) => TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{change}: {before.Zip(after).Count(pair => pair.First != pair.Second)} of {Clients} clients moved, whichever balancer they came through"));

    private async Task StartAsync(int number, params string[] settings) => _balancers[number] = await BalancerProcess.StartOnAsync(
        _port + number, string.Join(',', _nodes.Select(node => node.Host)),
        ["HEALTH_INTERVAL=0.3", "HEALTH_RISE=1", "SESSION_IDLE=600", $"ADMIN_TOKEN={Token}", $"BALANCER_PEERS=127.0.0.1:{_port},127.0.0.1:{_port + 1}", .. settings]);

    private async Task KillAsync(int number)
    {
        _balancers[number]!.Process.Signal("KILL");
        await _balancers[number]!.DisposeAsync();
        _balancers[number] = null;
    }

    private async Task<JsonElement> StatusAsync(int number) =>
        await _balancers[number]!.Http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken);

    private Task UpAsync(int count) => Eventually.BeTrue(
        async () => (await Task.WhenAll(_balancers.Select((balancer, number) => (balancer, number)).Where(one => one.balancer is not null).Select(one => StatusAsync(one.number))))
            .All(status => status.GetProperty("summary").GetProperty("healthy").GetInt32() == count), $"{count} nodes are up");

    /// <summary>The node that serves each client.</summary>
    private async Task<string[]> ServeAsync(int balancer)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_port + balancer}") };
        var nodes = new string[Clients];
        for (var client = 0; client < Clients; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/hello") { Headers = { { "X-Forwarded-For", Client(client) } } };
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            nodes[client] = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("node").GetString()!;
        }

        return nodes;
    }

    /// <summary>The balancer knows the sessions of clients that it has not served.</summary>
    private Task HeardAsync(int balancer, string[] nodes) => Eventually.BeTrue(
        async () =>
        {
            for (var client = 0; client < Clients; client++)
            {
                var route = await _balancers[balancer]!.Http.GetFromJsonAsync<JsonElement>($"/lb/route?client={Client(client)}", TestContext.Current.CancellationToken);
                if (route.GetProperty("node").GetString() != nodes[client])
                {
                    return false;
                }
            }

            return (await StatusAsync(balancer)).GetProperty("backends").EnumerateArray().Sum(node => node.GetProperty("sessions").GetInt32()) >= Clients - 5;
        }, "it has heard of all sessions");

    private Task<HttpResponseMessage> WeighAsync(int balancer, double weight) =>
        OrderAsync(balancer, $"/lb/backends/{_nodes[0].Host}/weight", new StringContent(JsonSerializer.Serialize(new { weight })));

    private async Task<HttpResponseMessage> OrderAsync(int balancer, string path, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Authorization", $"Bearer {Token}");
        return await _balancers[balancer]!.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
