using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Health.Passive;

/// <summary>A slow request is not a dead node: real nodes with one thread, or few.</summary>
public class SlowRequestTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_SingleThreadedNodes_RunsOnceAndNoneIsDown()
    {
        await using var nodes = new Nodes(5, seconds: 10);
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, "HEALTH_INTERVAL=1", "HEALTH_TIMEOUT=1");
        var slow = nodes[2];
        using var request = balancer.Request(HttpMethod.Get, "/slow", slow.Port);
        var working = balancer.Http.SendAsync(request, Cancel);
        await Eventually.BeTrue(() => balancer.Backend(slow.Port).Counters.InFlight == 1, "it works");

        var (others, states) = (0, new HashSet<BackendState>());
        while (!working.IsCompleted)
        {
            // Clients of all nodes; those of the busy one wait.
            var answers = await Task.WhenAll(nodes.Select(node => GetAsync(balancer, node)));
            Assert.All(answers, status => Assert.Equal(HttpStatusCode.OK, status));
            others += answers.Length;
            states.UnionWith(nodes.Select(node => balancer.Backend(node.Port).Health.State));
        }

        using var response = await working;
        Assert.Equal("1", await response.Content.ReadAsStringAsync(Cancel));
        Assert.True(others >= 5);
        Assert.Equal([BackendState.Up], states);
        Assert.Equal(1, (await Task.WhenAll(nodes.Select(node => node.RunsAsync()))).Sum());
    }

    [Fact]
    public async Task Get_LongerThanTheBusyTimeout_RunsOnAtMostTwoNodes()
    {
        await using var nodes = new Nodes(3, seconds: 8);
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, "HEALTH_INTERVAL=1", "HEALTH_TIMEOUT=0.5", "HEALTH_BUSY_TIMEOUT=1");

        using var request = balancer.Request(HttpMethod.Get, "/slow", nodes[0].Port);
        using var response = await balancer.Http.SendAsync(request, Cancel);

        Assert.True(response.IsSuccessStatusCode, string.Join('\n', [await response.Content.ReadAsStringAsync(Cancel), .. balancer.Logs]));
        Assert.InRange((await Task.WhenAll(nodes.Select(node => node.RunsAsync()))).Sum(), 1, 2);
    }

    [Fact]
    public async Task Get_FrozenSingleThreadedNode_IsDetectedEventually()
    {
        await using var nodes = new Nodes(2, seconds: 1);
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, "HEALTH_INTERVAL=1", "HEALTH_TIMEOUT=0.5", "HEALTH_BUSY_TIMEOUT=1");
        nodes[0].Signal("STOP");

        Assert.Equal(HttpStatusCode.OK, await GetAsync(balancer, nodes[0]));
        Assert.Equal(BackendState.Down, balancer.Backend(nodes[0].Port).Health.State);
        nodes[0].Signal("CONT");
    }

    [Fact]
    public async Task Burst_NodesWithFewThreads_RecoverAfterwards()
    {
        await using var nodes = new Nodes(2, threads: 4, seconds: 0.2);
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, "HEALTH_INTERVAL=1", "HEALTH_TIMEOUT=1");
        var statuses = await Task.WhenAll(Enumerable.Range(0, 60).Select(client => GetAsync(balancer, nodes[client % 2], "/slow")));
        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));

        // Idle connections hold all threads; probes must get one soon.
        await Eventually.BeTrue(
            () => nodes.All(node => balancer.Backend(node.Port).Health is { State: BackendState.Up, Failures: 0, Error: null }), "all nodes are well", 15);
        Assert.All(await Task.WhenAll(nodes.Select(node => GetAsync(balancer, node))), status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task Requests_MoreThanTheConnectionLimit_QueueInOrderAndAreAllServed()
    {
        var (now, most) = (0, 0);
        await using var node = new RawBackend(async exchange =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await Task.Delay(50, Cancel);
            Interlocked.Decrement(ref now);
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, "BACKEND_CONNECTIONS=2", "HEALTH_INTERVAL=3600");

        var statuses = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var response = await balancer.Http.GetAsync(new Uri("/x", UriKind.Relative), Cancel);
            return response.StatusCode;
        }));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.InRange(most, 1, 2);
    }

    private static async Task<HttpStatusCode> GetAsync(TestBalancer balancer, PythonNode node, string target = "/other")
    {
        using var request = balancer.Request(HttpMethod.Get, target, node.Port);
        using var response = await balancer.Http.SendAsync(request, Cancel);
        return response.StatusCode;
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
    }

    private sealed class Nodes(int count, int threads = 0, double seconds = 1) : List<PythonNode>(Enumerable.Range(0, count).Select(_ => new PythonNode(threads, seconds))), IAsyncDisposable
    {
        public string Hosts => string.Join(',', this.Select(node => node.Host));

        public async ValueTask DisposeAsync()
        {
            foreach (var node in this)
            {
                await node.DisposeAsync();
            }
        }
    }
}
