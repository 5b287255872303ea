using System.Net.Http.Json;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that refuses connections: nothing was sent, so any request may go to the next node.</summary>
public class RefusedConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", 0, false)]
    [InlineData("HEAD", 0, false)]
    [InlineData("DELETE", 0, false)]
    [InlineData("POST", 0, false)]
    [InlineData("POST", 5, false)]
    [InlineData("POST", 5, true)]
    [InlineData("POST", 1_000_000, false)]
    [InlineData("POST", 1_000_000, true)]
    [InlineData("PUT", 65_536, false)]
    [InlineData("PUT", 65_537, false)]
    [InlineData("PUT", 1_000_000, true)]
    [InlineData("PATCH", 70_000, true)]
    public async Task Request_Any_GoesToTheNextNodeWithItsBody(string method, int bytes, bool chunked)
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}");
        await dead.StopAsync();
        using var request = balancer.Request(new HttpMethod(method), "/count", dead.Port);
        if (bytes > 0)
        {
            request.Content = new ByteArrayContent([.. Enumerable.Range(0, bytes).Select(index => TestBackendRoutes.Block[index % TestBackendRoutes.Block.Length])]);
            request.Headers.TransferEncodingChunked = chunked;
        }

        using var response = await balancer.Http.SendAsync(request, Cancel);

        Assert.Equal(200, (int)response.StatusCode);
        if (method != "HEAD")
        {
            Assert.Equal(TestBackendRoutes.Count(bytes), await response.Content.ReadAsStringAsync(Cancel));
        }

        Assert.Equal($"{method} /count", Assert.Single(alive.Arrived));
        Assert.Equal(1, balancer.Counters.Retries);
        Assert.Equal(0, balancer.Counters.Errors);
    }

    [Fact]
    public async Task Request_WithStreamedBody_GoesToTheNextNodeWithItsBody()
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}");
        var client = balancer.ClientOf(dead.Port);
        await dead.StopAsync();
        using var raw = await RawClient.ConnectAsync(balancer.Port);

        await raw.SendAsync($"POST /echo HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: {client}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        await Eventually.BeTrue(() => alive.Arrived.Count == 1, "the next node has the request");
        await raw.SendAsync("5\r\n then\r\n0\r\n\r\n");
        var response = await raw.ReadResponseAsync();

        Assert.Contains("first then", response.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_Refuses_IsTakenOutAtOnceAndTheNextRequestGoesElsewhere()
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}");
        await dead.StopAsync();

        for (var number = 1; number <= 3; number++)
        {
            using var request = balancer.Request(HttpMethod.Get, "/echo", dead.Port);
            using var response = await balancer.Http.SendAsync(request, Cancel);
            Assert.Equal("alive", (await response.Content.ReadFromJsonAsync<ReceivedRequest>(Cancel))!.Node);
            Assert.Equal(BackendState.Down, balancer.Backend(dead.Port).Health.State);
        }

        Assert.Equal(1, balancer.Counters.Retries);
        Assert.Equal(1, balancer.Backend(dead.Port).Counters.Failures);
        Assert.Equal("connection refused", balancer.Backend(dead.Port).Health.Error);
    }

    [Fact]
    public async Task Node_ListensAgain_GetsItsClientsBack()
    {
        await using var node = await TestBackend.StartAsync("home");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{other.Host}", "HEALTH_INTERVAL=0.2");
        await node.StopAsync();
        Assert.Equal("other", await balancer.NodeOfAsync(node.Port));

        await node.StartAsync();

        await Eventually.BeTrue(async () => await balancer.NodeOfAsync(node.Port) == "home", "the client is back on its node");
    }

    [Fact]
    public async Task Nodes_AllDownButOneServesAgain_AreAllTriedInPanic()
    {
        await using var one = await TestBackend.StartAsync("one");
        await using var two = await TestBackend.StartAsync("two");
        await using var three = await TestBackend.StartAsync("three");
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host},{three.Host}", "HEALTH_INTERVAL=3600");
        await one.StopAsync();
        await two.StopAsync();
        await three.StopAsync();
        using (var all = await balancer.Http.GetAsync("/echo", Cancel))
        {
            Assert.Equal(502, (int)all.StatusCode);
        }

        Assert.All((int[])[one.Port, two.Port, three.Port], port => Assert.Equal(BackendState.Down, balancer.Backend(port).Health.State));
        await three.StartAsync();

        Assert.Equal("three", await balancer.NodeOfAsync(one.Port));
    }

    [Fact]
    public async Task Nodes_AllDown_Is502WithTheReason()
    {
        await using var one = await TestBackend.StartAsync("one");
        await using var two = await TestBackend.StartAsync("two");
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}");
        await one.StopAsync();
        await two.StopAsync();

        var response = await balancer.ExchangeAsync("POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello");

        Assert.Equal(502, response.Status);
        Assert.Equal(ProblemText.Of(502, "Bad Gateway", "none of the 2 nodes is up; the last one tried: connection refused"), response.Body);
        Assert.Equal("no-store", response.Value("Cache-Control"));
        Assert.Equal("application/problem+json", response.Value("Content-Type"));
        Assert.Equal(1, balancer.Counters.Errors);
        Assert.Equal(1, balancer.Counters.Retries);
        var head = await balancer.ExchangeAsync("HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
        Assert.Equal(502, head.Status);
    }

    [Fact]
    public async Task Nodes_NoneKnown_Is503WithRetryAfter()
    {
        await using var balancer = await TestBalancer.StartUnreadyAsync("", "BACKEND_DNS=no-such-name.invalid");

        var response = await balancer.ExchangeAsync("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(503, response.Status);
        Assert.Equal("1", response.Value("Retry-After"));
        Assert.Equal(ProblemText.Of(503, "Service Unavailable", "no node is known"), response.Body);
    }

    [Fact]
    public async Task Tries_ManyDeadNodes_AreBounded()
    {
        var ports = Enumerable.Range(0, 12).Select(_ => FreePort.Next()).ToList();
        await using var balancer = await TestBalancer.StartUnreadyAsync(string.Join(',', ports.Select(port => $"127.0.0.1:{port}")), "HEALTH_INTERVAL=3600");
        await Eventually.BeTrue(() => ports.All(port => balancer.Backend(port).Health.State == BackendState.Down), "all nodes are down");

        var response = await balancer.ExchangeAsync("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(502, response.Status);
        Assert.Equal(8, ports.Sum(port => balancer.Backend(port).Counters.Requests));
        Assert.Equal(7, balancer.Counters.Retries);
    }
}
