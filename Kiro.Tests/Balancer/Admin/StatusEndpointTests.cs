using System.Globalization;
using System.Net;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.Tests.Balancer.Admin;

public sealed class StatusEndpointTests
{
    [Fact]
    public async Task Status_NodeUpAndNodeDown_HasExactlyTheShapeOfTheContract()
    {
        await using var node = SocketServer.Responding("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"status\":\"ok\",\"node\":\"api-1\"}");
        var nobody = FreePort.Next();
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS=127.0.0.1:{node.Port},127.0.0.1:{nobody}*2.5");
        await Eventually.BeTrue(() => balancer.Registry.Current.Backends.All(backend => backend.Health.LastCheck is not null), "both are probed");
        await Eventually.BeTrue(
            async () => (await balancer.Status()).GetProperty("events").EnumerateArray().Any(item => item.GetProperty("kind").GetString() == "up"),
            "the timeline says so");

        var status = await balancer.Status("203.0.113.7");

        AssertShape(status, "balancer:Object summary:Object backends:Array client:Object warnings:Array events:Array limits:Object orders:Object peers:Array tls:Null timestamp:Time");
        AssertShape(status.GetProperty("limits"), "descriptors:Object connections:Object adminConnections:Null adminTokens:Object clients:Object bodies:Object proxyHeadersRefused:Number loops:Number");
        AssertShape(status.GetProperty("orders"), "count:Number digest:String refused:Number");
        AssertShape(status.GetProperty("balancer"), "port:Number mode:String version:String state:String startedAt:Time uptimeSeconds:Number sessionIdleSeconds:Number adminEnabled:False settings:Object");
        AssertShape(status.GetProperty("summary"),
            "total:Number healthy:Number degraded:Number failing:Number unhealthy:Number draining:Number requests:Number requestsPerSecond:Number retries:Number errors:Number traffic:Object recentClients:Number");
        AssertShape(status.GetProperty("client"), 
            "ip:String backend:String node:String peer:String peerIsTrusted:True claimIgnored:False stickyBy:String key:String slot:Number keptBySession:False ranking:Array");
        var backends = status.GetProperty("backends").EnumerateArray().ToDictionary(backend => backend.GetProperty("port").GetInt32());
        AssertShape(backends[node.Port],
            "id:String host:String port:Number node:String state:String healthy:True reachable:True latency:String latencyMs:Number status:Null reason:Null statusSince:Null error:Null "
            + "lastCheck:Time since:Time weight:Number share:Number inFlight:Number requests:Number failures:Number "
            + "requestsPerSecond:Number clients:Number sessions:Null keptBySessions:Null operatorWeight:Null drainedByOperator:False letsSessionsEnd:False sessionsUntil:Null hasBeenUp:True latencyHistory:Array traffic:Object responseHistory:Array errorHistory:Array");
        AssertShape(backends[nobody],
            "id:String host:String port:Number node:Null state:String healthy:False reachable:False latency:Null latencyMs:Null status:Null reason:Null statusSince:Null error:String "
            + "lastCheck:Time since:Time weight:Number share:Number inFlight:Number requests:Number failures:Number "
            + "requestsPerSecond:Number clients:Number sessions:Null keptBySessions:Null operatorWeight:Null drainedByOperator:False letsSessionsEnd:False sessionsUntil:Null hasBeenUp:False latencyHistory:Array traffic:Object responseHistory:Array errorHistory:Array");

        AssertShape(status.GetProperty("client").GetProperty("ranking").EnumerateArray().Single(rank => rank.GetProperty("state").GetString() == "up"),
            "id:String node:String state:String");
        AssertShape(status.GetProperty("events").EnumerateArray().First(item => item.GetProperty("kind").GetString() == "up"),
            "id:Number time:Time kind:String nodes:Array count:Number from:String reason:Null movedShare:Number movedClients:Number "
            + "recentClients:Number up:Number total:Number");

        Assert.Equal(balancer.Port, status.GetProperty("balancer").GetProperty("port").GetInt32());
        Assert.Equal("hosts", status.GetProperty("balancer").GetProperty("mode").GetString());
        Assert.Equal("running", status.GetProperty("balancer").GetProperty("state").GetString());
        Assert.Equal("203.0.113.7", status.GetProperty("client").GetProperty("ip").GetString());
        Assert.Equal($"127.0.0.1:{node.Port}", status.GetProperty("client").GetProperty("backend").GetString());
        Assert.Equal("up", backends[node.Port].GetProperty("state").GetString());
        Assert.Equal(1, backends[node.Port].GetProperty("share").GetDouble());
        Assert.Matches("^[0-9]+ms$", backends[node.Port].GetProperty("latency").GetString());
        Assert.Equal("down", backends[nobody].GetProperty("state").GetString());
        Assert.Equal("connection refused", backends[nobody].GetProperty("error").GetString());
        Assert.Equal(2.5, backends[nobody].GetProperty("weight").GetDouble());
    }

    [Theory]
    [InlineData("up up up", 3, 0, 0)]
    [InlineData("up down draining", 1, 1, 1)]
    [InlineData("starting down draining", 0, 2, 1)]
    public async Task Summary_States_AreCounted(string states, int healthy, int unhealthy, int draining)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates(states);

        var status = await unprobed.Balancer.Status();

        var summary = status.GetProperty("summary");
        Assert.Equal(3, summary.GetProperty("total").GetInt32());
        Assert.Equal(healthy, summary.GetProperty("healthy").GetInt32());
        Assert.Equal(unhealthy, summary.GetProperty("unhealthy").GetInt32());
        Assert.Equal(draining, summary.GetProperty("draining").GetInt32());
        Assert.Equal(states, string.Join(' ', status.GetProperty("backends").EnumerateArray().Select(backend => backend.GetProperty("state").GetString())));
    }

    [Fact]
    public async Task Client_EveryAddress_IsTheNodeThatTheRoutingCodeTakes()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        var hash = new ClientHash(Settings.Read(HashingOptions.Read));

        for (var client = 0; client < 20; client++)
        {
            var status = await unprobed.Balancer.Status($"203.0.113.{client}");

            Assert.True(ClientAddress.TryParse($"203.0.113.{client}", out var address));
            Assert.Equal(unprobed.Registry.Current.Choose(hash.Slot(address))!.Id, status.GetProperty("client").GetProperty("backend").GetString());
        }
    }

    [Fact]
    public async Task Client_KeptByItsSession_IsToldSo()
    {
        await using var unprobed = await UnprobedBalancer.Start("SESSION_IDLE=600");
        unprobed.SetStates("up up down");
        var hash = new ClientHash(Settings.Read(HashingOptions.Read));
        Assert.True(ClientAddress.TryParse("203.0.113.7", out var address));
        var node = unprobed.Balancer.App.Services.GetRequiredService<BackendChooser>().First(hash.Slot(address))!.Value.Backend;

        unprobed.Registry.Drain(node);

        var status = await unprobed.Balancer.Status("203.0.113.7");
        Assert.Equal(600, status.GetProperty("balancer").GetProperty("sessionIdleSeconds").GetDouble());
        Assert.Equal(node.Id, status.GetProperty("client").GetProperty("backend").GetString());
        Assert.True(status.GetProperty("client").GetProperty("keptBySession").GetBoolean());
        var kept = status.GetProperty("backends").EnumerateArray().Single(backend => backend.GetProperty("id").GetString() == node.Id);
        Assert.Equal((1, 1, 1, 0), (
            kept.GetProperty("clients").GetInt64(), kept.GetProperty("sessions").GetInt64(), kept.GetProperty("keptBySessions").GetInt64(), kept.GetProperty("share").GetDouble()));
    }

    [Fact]
    public async Task Client_BehindATrustedProxy_IsExplained()
    {
        await using var unprobed = await UnprobedBalancer.Start("HASH_IPV6_PREFIX=56");
        unprobed.SetStates("down up up");

        var client = (await unprobed.Balancer.Status("2001:db8:1:2ff::7")).GetProperty("client");

        Assert.Equal("2001:db8:1:2ff::7", client.GetProperty("ip").GetString());
        Assert.Equal("127.0.0.1", client.GetProperty("peer").GetString());
        Assert.True(client.GetProperty("peerIsTrusted").GetBoolean());
        Assert.Equal("2001:db8:1:200::/56", client.GetProperty("key").GetString());
        var ranking = client.GetProperty("ranking").EnumerateArray().ToList();
        Assert.Equal(3, ranking.Count);
        Assert.Equal(
            ranking.First(node => node.GetProperty("state").GetString() == "up").GetProperty("id").GetString(), client.GetProperty("backend").GetString());
    }

    [Fact]
    public async Task Client_NobodyIsTrusted_SaysThatItsClaimIsIgnored()
    {
        await using var balancer = await BalancerInProcess.Start("TRUSTED_PROXIES=none");

        var client = (await balancer.Status("203.0.113.7")).GetProperty("client");

        Assert.Equal("127.0.0.1", client.GetProperty("ip").GetString());
        Assert.False(client.GetProperty("peerIsTrusted").GetBoolean());
        Assert.True(client.GetProperty("claimIgnored").GetBoolean());
    }

    [Theory]
    [InlineData("nodes=6", HttpStatusCode.OK, "\"movedShare\":0.")]
    [InlineData("nodes=0", HttpStatusCode.BadRequest, ""","error":"nodes must be a whole number from 1 to 1000"}""")]
    [InlineData("", HttpStatusCode.BadRequest, ",\"error\":\"ask one of nodes=10 ")]
    public async Task WhatIf_Query_IsAnsweredOrRefusedInOneLine(string query, HttpStatusCode code, string body)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");

        using var response = await unprobed.Balancer.Http.GetAsync("/lb/what-if?" + query, TestContext.Current.CancellationToken);

        Assert.Equal(code, response.StatusCode);
        Assert.Contains(body, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
    }

    [Theory]
    [InlineData(null, "203.0.113.*")]
    [InlineData("Bearer wrong", "203.0.113.*")]
    [InlineData("Bearer secret", "203.0.113.7")]
    public async Task Warnings_AnotherClientsAddress_IsMaskedWithoutTheToken(string? authorization, string shown)
    {
        await using var unprobed = await UnprobedBalancer.Start("ADMIN_TOKEN=secret");
        unprobed.SetStates("up up up");
        Assert.True(ClientAddress.TryParse("203.0.113.7", out var client));
        var census = unprobed.Balancer.App.Services.GetRequiredService<ClientCensus>();
        for (var request = 0; request < 100; request++)
        {
            census.Record(new Client(client, client, PeerIsTrusted: false), hasField: false);
        }

        using var question = new HttpRequestMessage(HttpMethod.Get, "/lb/status");
        question.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var response = await unprobed.Balancer.Http.SendAsync(question, TestContext.Current.CancellationToken);

        var status = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains($"Every request so far came from {shown},", status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/lb")]
    [InlineData("/lb/status")]
    public async Task Head_IsAnsweredLikeGetWithoutABody(string path)
    {
        await using var balancer = await BalancerInProcess.Start();
        using var get = await balancer.Http.GetAsync(path, TestContext.Current.CancellationToken);
        using var question = new HttpRequestMessage(HttpMethod.Head, path);

        using var head = await balancer.Http.SendAsync(question, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Status_IsNeverStored()
    {
        await using var balancer = await BalancerInProcess.Start();

        using var response = await balancer.Http.GetAsync("/lb/status", TestContext.Current.CancellationToken);

        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType!.ToString());
    }

    private static void AssertShape(JsonElement json, string shape) => Assert.Equal(
        shape.Split(' '), json.EnumerateObject().Select(property => $"{property.Name}:{TypeOf(property.Value)}"));

    private static string TypeOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String
        && value.GetString()!.Contains('T')
        && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _) ? "Time" : value.ValueKind.ToString();
}
