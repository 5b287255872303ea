using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

public sealed class TrafficStatusTests
{
    [Fact]
    public async Task Status_ANodeAnswersErrorsToEverybody_SaysSoInFiguresAndWords()
    {
        await using var good = await TestBackend.StartAsync("good");
        await using var bad = await TestBackend.StartAsync("bad");
        await using var balancer = await TestBalancer.StartAsync($"{good.Host},{bad.Host}");
        for (var number = 0; number < 25; number++)
        {
            await SendAsync(balancer, "/status/200", good.Port);
            await SendAsync(balancer, "/status/500", bad.Port);
        }

        await SendAsync(balancer, "/status/404", good.Port);
        await Eventually.BeTrue(async () => Responses(await StatusAsync(balancer), bad.Port, "5xx") == 25, "all are counted");

        var status = await StatusAsync(balancer);
        Assert.Equal((25, 1, 0), (Responses(status, good.Port, "2xx"), Responses(status, good.Port, "4xx"), Responses(status, good.Port, "5xx")));
        var all = status.GetProperty("summary").GetProperty("traffic").GetProperty("responses");
        Assert.Equal((25, 1, 25), (all.GetProperty("2xx").GetInt64(), all.GetProperty("4xx").GetInt64(), all.GetProperty("5xx").GetInt64()));
        Assert.Contains("100 % of the responses from bad are errors (5xx), compared with 0 % from the other nodes.", status.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()));
        var node = status.GetProperty("backends").EnumerateArray().Single(backend => backend.GetProperty("port").GetInt32() == bad.Port);
        Assert.Equal(("up", "failing", "100 % of its responses are errors (5xx)"),
            (node.GetProperty("state").GetString(), node.GetProperty("status").GetString(), node.GetProperty("reason").GetString()));
        Assert.True(node.GetProperty("statusSince").GetDateTimeOffset() >= node.GetProperty("since").GetDateTimeOffset());
        Assert.Equal(1, status.GetProperty("summary").GetProperty("failing").GetInt32());
        // The node itself passes its probe.
        Assert.Equal(0, balancer.Backend(bad.Port).Counters.Failures);
        var traffic = Traffic(status, good.Port);
        Assert.True(traffic.GetProperty("last5Minutes").GetProperty("p99Ms").GetDouble() > 0);
        Assert.InRange(traffic.GetProperty("bytesOut").GetInt64(), 1, long.MaxValue);
    }

    [Fact]
    public async Task Status_ANodeSaysThatItIsDegraded_IsUpAndSaysSoWithTheReason()
    {
        const string Body = """{"status":"degraded","node":"api-1","reason":"database unavailable: Access denied","database":"down"}""";
        await using var node = SocketServer.Responding($"HTTP/1.1 200 OK\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{node.Port}");

        var status = await StatusAsync(balancer);

        var backend = status.GetProperty("backends")[0];
        Assert.Equal(("up", "degraded"), (backend.GetProperty("state").GetString(), backend.GetProperty("status").GetString()));
        Assert.Equal("database unavailable: Access denied", backend.GetProperty("reason").GetString());
        Assert.Equal("database unavailable: Access denied", backend.GetProperty("error").GetString());
        Assert.Equal((1, 1), (status.GetProperty("summary").GetProperty("healthy").GetInt32(), status.GetProperty("summary").GetProperty("degraded").GetInt32()));
        Assert.Contains("api-1 is degraded: database unavailable: Access denied.", status.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()));
    }

    [Fact]
    public async Task Status_NoNodeAnswers_CountsTheBalancersOwnErrors()
    {
        await using var balancer = await TestBalancer.StartUnreadyAsync("", "BACKEND_DNS=no-such-name.invalid");
        using var response = await balancer.Http.GetAsync("/a", TestContext.Current.CancellationToken);

        await Eventually.BeTrue(
            async () => (await StatusAsync(balancer)).GetProperty("summary").GetProperty("traffic").GetProperty("responses").GetProperty("5xx").GetInt64() == 1,
            "it is counted");
    }

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("2001:db8:1:2::7")]
    [InlineData("2001:db8:1:2::/64")]
    public async Task Route_AnyClient_IsTheOneThatItsRequestsTake(string client)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up down up");
        var own = (await unprobed.Balancer.Status(client.Split('/')[0])).GetProperty("client");

        var route = await unprobed.Balancer.Http.GetFromJsonAsync<JsonElement>("/lb/route?client=" + client, TestContext.Current.CancellationToken);

        Assert.Equal(own.GetProperty("backend").GetString(), route.GetProperty("backend").GetString());
        Assert.Equal(own.GetProperty("slot").GetInt32(), route.GetProperty("slot").GetInt32());
        Assert.Equal(own.GetProperty("ranking").GetRawText(), route.GetProperty("ranking").GetRawText());
    }

    [Theory]
    [InlineData("?client=")]
    [InlineData("?client=api-1")]
    [InlineData("?client=1")]
    public async Task Route_NoAddress_Is400(string query)
    {
        await using var balancer = await BalancerInProcess.Start();

        using var response = await balancer.Http.GetAsync("/lb/route" + query, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("client must be an IP address", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_AnHour_IsInColumns()
    {
        await using var balancer = await BalancerInProcess.Start();

        var history = await balancer.Http.GetFromJsonAsync<JsonElement>("/lb/history", TestContext.Current.CancellationToken);

        Assert.Equal(10, history.GetProperty("periodSeconds").GetInt32());
        Assert.Equal(["periodSeconds", "end", "requestsPerSecond", "errorsPerSecond", "p99Ms"], history.EnumerateObject().Select(property => property.Name));
    }

    private static async Task SendAsync(TestBalancer balancer, string target, int port)
    {
        using var request = balancer.Request(HttpMethod.Get, target, port);
        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static Task<JsonElement> StatusAsync(TestBalancer balancer) =>
        balancer.Http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken);

    private static JsonElement Traffic(JsonElement status, int port) =>
        status.GetProperty("backends").EnumerateArray().Single(backend => backend.GetProperty("port").GetInt32() == port).GetProperty("traffic");

    private static long Responses(JsonElement status, int port, string name) =>
        Traffic(status, port).GetProperty("responses").GetProperty(name).GetInt64();
}
