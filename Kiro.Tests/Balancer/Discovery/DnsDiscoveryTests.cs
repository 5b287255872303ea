using System.Net.Http.Json;
using System.Net;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Discovery;

/// <summary>A balancer, a DNS server and what operators do to it.</summary>
public sealed class DnsDiscoveryTests
{
    private const string Good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

    private readonly int _port = FreePort.Next();
    private readonly int _backendPort = FreePort.Next();

    [Fact]
    public async Task Balancer_NameAppearsChangesAndItsServerDies_FollowsAndKeepsTheLastGoodResult()
    {
        await using var dns = new DnsServer();
        await dns.Start();
        await using var one = Node("127.0.0.11");
        await using var two = Node("127.0.0.12");
        await using var three = Node("127.0.0.13");
        await using var six = Node("::1");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_port}") };
        await using var balancer = dns.StartBalancer(new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{_port}",
            ["BACKEND_DNS"] = DnsServer.Name,
            ["BACKEND_PORT"] = $"{_backendPort}",
            ["DNS_INTERVAL"] = "1",
            ["HEALTH_INTERVAL"] = "0.5",
        });

        // The name does not exist: the balancer runs, with a warning.
        await Expect(http, balancer, "a warning about the name", status => Warns(status, "the name does not exist") && States(status) == "");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health", TestContext.Current.CancellationToken)).StatusCode);

        // The name appears, with A and AAAA records.
        dns.Publish("127.0.0.11", "127.0.0.12", "::1");
        await Expect(http, balancer, "three nodes", status => States(status) == "127.0.0.11:up 127.0.0.12:up ::1:up" && !Warns(status));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);

        // One node is added, and one that still works is removed.
        dns.Publish("127.0.0.11", "127.0.0.13", "::1");
        await Expect(http, balancer, "one more, one draining", status => States(status) == "127.0.0.11:up 127.0.0.12:draining 127.0.0.13:up ::1:up");

        // That one stops working, too.
        await two.DisposeAsync();
        await Expect(http, balancer, "one forgotten", status => States(status) == "127.0.0.11:up 127.0.0.13:up ::1:up");

        // The server dies: nothing changes but the warning.
        await dns.Stop();
        await Expect(http, balancer, "a warning and the same nodes",
            status => Warns(status, "no name server responds") && States(status) == "127.0.0.11:up 127.0.0.13:up ::1:up");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);

        // It is back without the name: still the last good result.
        dns.Publish();
        await dns.Start();
        await Expect(http, balancer, "the same nodes",
            status => Warns(status, "the name does not exist") && States(status) == "127.0.0.11:up 127.0.0.13:up ::1:up");

        // The name is back.
        dns.Publish("127.0.0.11", "::1");
        await Expect(http, balancer, "two nodes and one that drains",
            status => !Warns(status) && States(status) == "127.0.0.11:up 127.0.0.13:draining ::1:up");
    }

    private static async Task Expect(HttpClient http, ServiceProcess balancer, string what, Func<JsonElement, bool> condition)
    {
        JsonElement last = default;
        try
        {
            await Eventually.BeTrue(
                async () => condition(last = await http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken)), what);
        }
        catch (Xunit.Sdk.XunitException problem)
        {
            Assert.Fail($"{problem.Message}\n{last}\n{balancer.Output}");
        }
    }

    private static bool Warns(JsonElement status, string problem = "") => status.GetProperty("warnings").EnumerateArray()
        .Any(warning => warning.GetString()!.StartsWith($"Looking up {DnsServer.Name} failed: {problem}", StringComparison.Ordinal));

    private static string States(JsonElement status) => string.Join(' ', status.GetProperty("backends").EnumerateArray()
        .Select(backend => $"{backend.GetProperty("host").GetString()}:{backend.GetProperty("state").GetString()}")
        .Order(StringComparer.Ordinal));

    private SocketServer Node(string address) => SocketServer.Responding(Good, IPAddress.Parse(address), _backendPort);
}
