using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.EndToEnd;

/// <summary>Every client has its own node, tested with real processes.</summary>
public sealed class StickinessTests
{
    [Fact]
    public async Task ClientIp_OneAddress_IsServedByOneNode()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var nodes = new HashSet<string>();
        using var http = new HttpClient();
        for (var request = 0; request < 200; request++)
        {
            nodes.Add(await NodeOfAsync(http, cluster.Port, "203.0.113.7"));
        }

        Assert.Single(nodes);
    }

    [Fact]
    public async Task ClientIp_TwoThousandAddresses_AreSpreadEvenlyAndTheSameAcrossRestartsAndBalancers()
    {
        Dictionary<string, string> first, again, other;
        int ports;
        await using (var cluster = await ProcessCluster.StartAsync())
        {
            ports = cluster.FirstPort;
            first = await RoutesAsync(cluster.Port);

            // Another balancer with the same nodes in another order.
            var (port, process) = await cluster.StartAnotherBalancerAsync(reversed: true);
            await using var second = process;
            other = await RoutesAsync(port);
        }

        await using (var cluster = await ProcessCluster.StartAsync(firstPort: ports))
        {
            again = await RoutesAsync(cluster.Port);
        }

        Assert.Equal(first, other);
        Assert.Equal(first, again);
        var shares = first.Values.CountBy(node => node).ToDictionary();
        Assert.Equal(5, shares.Count);
        Assert.All(shares.Values, count => Assert.InRange(count, 2000 * 0.15, 2000 * 0.25));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", shares.OrderBy(share => share.Key)));
    }

    [Fact]
    public async Task ClientIp_UntrustedPeer_IgnoresForwardedFor()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new()
        {
            ["TRUSTED_PROXIES"] = "10.0.0.0/8",
            // Some tools set it; on its own it would make ASP.NET Core trust every peer.
            ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
        });
        using var http = new HttpClient();
        var own = await http.GetStringAsync(new Uri($"http://127.0.0.1:{cluster.Port}/api/client-ip"), TestContext.Current.CancellationToken);
        Assert.Contains("\"ip\":\"127.0.0.1\"", own, StringComparison.Ordinal);
        for (var client = 1; client <= 50; client++)
        {
            using var request = Request(cluster.Port, $"203.0.113.{client}");
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(own, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    private static async Task<Dictionary<string, string>> RoutesAsync(int port)
    {
        using var http = new HttpClient();
        var routes = new Dictionary<string, string>();
        for (var client = 0; client < 2000; client++)
        {
            var address = $"198.51.{client / 250}.{client % 250}";
            routes[address] = await NodeOfAsync(http, port, address);
        }

        return routes;
    }

    private static async Task<string> NodeOfAsync(HttpClient http, int port, string address)
    {
        using var request = Request(port, address);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var route = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(address, route.GetProperty("ip").GetString());
        return route.GetProperty("node").GetString()!;
    }

    private static HttpRequestMessage Request(int port, string forwardedFor) =>
        new(HttpMethod.Get, $"http://127.0.0.1:{port}/api/client-ip") { Headers = { { "X-Forwarded-For", forwardedFor } } };
}
