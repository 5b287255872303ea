using System.Net;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

/// <summary>ADMIN_LISTEN and ADMIN_HOSTS.</summary>
public class AdminListenerTests
{
    private readonly int _port = FreePort.Next();

    private string Listen => $"ADMIN_LISTEN=127.0.0.1:{_port}";

    [Theory]
    [InlineData("/lb", "text/html; charset=utf-8")]
    [InlineData("/lb/status", "application/json; charset=utf-8")]
    [InlineData("/lb/route", "application/json; charset=utf-8")]
    [InlineData("/metrics", "text/plain; charset=utf-8; version=0.0.4")]
    [InlineData("/health", "application/json; charset=utf-8")]
    [InlineData("/alive", "text/plain; charset=utf-8")]
    public async Task OwnPage_OnTheAdminListener_IsServed(string path, string type)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);

        var answer = await AskAsync(path);

        Assert.Equal(200, answer.Status);
        Assert.Equal("nosniff", answer.Value("X-Content-Type-Options"));
        Assert.StartsWith(type.Split(';')[0], answer.Value("Content-Type"), StringComparison.Ordinal);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("/lb")]
    [InlineData("/lb/status")]
    [InlineData("/lb/backends/a/drain")]
    [InlineData("/lb/nothing")]
    [InlineData("/metrics")]
    [InlineData("/metrics?x=1")]
    [InlineData("/lb?x=1")]
    public async Task OwnPath_OnThePublicPort_IsTheNodes(string path)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);

        var answer = await balancer.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((200, "ok"), (answer.Status, answer.Body));
        Assert.StartsWith($"GET {path} HTTP/1.1\r\n", node.Heads.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task Probe_OnThePublicPort_IsStillAnswered(string path)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);

        Assert.Equal(200, (await balancer.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1")]
    [InlineData("GET /LB HTTP/1.1")]
    [InlineData("GET /lb/../a HTTP/1.1")]
    [InlineData("GET /lb/STATUS HTTP/1.1")]
    [InlineData("GET /api/client-ip HTTP/1.1")]
    [InlineData("POST /lb HTTP/1.1\r\nContent-Length: 0")]
    [InlineData("PUT /health HTTP/1.1\r\nContent-Length: 0")]
    [InlineData("OPTIONS * HTTP/1.1")]
    public async Task OtherPath_OnTheAdminListener_NeverReachesANode(string line)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);

        var answer = await RawClient.ExchangeAsync(_port, $"{line}\r\nHost: localhost\r\n\r\n");

        Assert.InRange(answer.Status, 404, 405);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:13002", true)]
    [InlineData("kiro.localhost", true)]
    [InlineData("localhost.", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.1:13002", true)]
    [InlineData("[::1]:13002", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("LB.internal:13002", true)]
    [InlineData("", true)]
    [InlineData("attacker.example", false)]
    [InlineData("attacker.example:13002", false)]
    [InlineData("localhost.attacker.example", false)]
    [InlineData("127.0.0.1.attacker.example", false)]
    [InlineData("notlocalhost", false)]
    [InlineData("a.lb.internal", false)]
    public async Task Host_NamedByAStranger_IsRefused(string host, bool isServed)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen, "ADMIN_HOSTS=lb.internal, lb2.internal");

        foreach (var path in (string[])["/lb", "/lb/status", "/metrics", "/lb/config"])
        {
            var answer = await RawClient.ExchangeAsync(_port, $"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Assert.Equal(isServed ? (path == "/lb/config" ? 404 : 200) : 421, answer.Status);
            Assert.Equal("nosniff", answer.Value("X-Content-Type-Options"));
        }

        // On the public port every name is the nodes' own affair.
        Assert.Equal(200, (await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Host_OfAnAbsoluteTarget_IsTheOneThatCounts()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);

        Assert.Equal(421, (await RawClient.ExchangeAsync(_port, "GET http://attacker.example/lb HTTP/1.1\r\nHost: localhost\r\n\r\n")).Status);
        Assert.Equal(200, (await RawClient.ExchangeAsync(_port, "GET http://localhost/lb HTTP/1.1\r\nHost: localhost\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Order_OnTheAdminListener_IsTaken()
    {
        await using var node = RawBackend.Responding();
        await using var other = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{other.Host}", Listen, "ADMIN_TOKEN=0123456789abcdef");

        var answer = await RawClient.ExchangeAsync(
            _port, $"POST /lb/backends/{node.Host}/drain HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 0123456789abcdef\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal(200, answer.Status);
        Assert.Contains("draining", answer.Body, StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Value("X-Content-Type-Options"));
    }

    [Fact]
    public async Task Connections_OfClientsAtTheirLimit_LeaveTheDoorOpen()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen, "LIMIT_CONNECTIONS=1", "LIMIT_CONNECTIONS_PER_CLIENT=1", "TRUSTED_PROXIES=none");
        using var only = await RawClient.ConnectAsync(balancer.Port);
        await only.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await only.ReadResponseAsync();

        Assert.Equal(503, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        Assert.Contains("\"adminConnections\":{\"open\":1,\"max\":64,\"refused\":0}", (await AskAsync("/lb/status")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_OfOperators_AreBoundedAndCounted()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen);
        var clients = new List<RawClient>();
        for (var client = 0; client < AdminListener.MaxConnections; client++)
        {
            clients.Add(await RawClient.ConnectAsync(_port));
        }

        await clients[0].SendAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await clients[^1].SendAsync("GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(200, (await clients[0].ReadResponseAsync()).Status);
        Assert.Equal(200, (await clients[^1].ReadResponseAsync()).Status);
        Assert.Equal(503, (await AskAsync("/alive")).Status);
        // Clients do not notice.
        Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        clients.ForEach(client => client.Dispose());
        await Eventually.BeTrue(async () => (await AskAsync("/alive")).Status == 200, "there is room again");
        Assert.DoesNotContain("\"refused\":0}", (await AskAsync("/lb/status")).Body.Split("adminConnections")[1].Split('}')[0] + "}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProxyProtocol_OnTheAdminListener_IsNotAskedFor()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Listen, "PROXY_PROTOCOL=on");

        Assert.Equal(200, (await AskAsync("/lb/status")).Status);
    }

    [Theory]
    [InlineData("127.0.0.1:13002", "127.0.0.1:13002")]
    [InlineData("[::1]:13002", "[::1]:13002")]
    [InlineData("0.0.0.0:80", "0.0.0.0:80")]
    [InlineData("[::]:80", "[::]:80")]
    public void Read_AddressAndPort_IsTaken(string value, string endpoint) =>
        Assert.Equal(IPEndPoint.Parse(endpoint), Settings.Read(settings => AdminListener.Read(settings), $"ADMIN_LISTEN={value}").EndPoint);

    [Theory]
    [InlineData("13002")]
    [InlineData("localhost:13002")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("::1:13002")]
    [InlineData("[::1]")]
    [InlineData("[fe80::1%1]:13002")]
    [InlineData("1:13002")]
    [InlineData(":13002")]
    [InlineData("http://127.0.0.1:13002")]
    public void Read_NoAddressAndPort_IsOneLine(string value) => Assert.Equal(
        [$"ADMIN_LISTEN={value} is not valid: expected an IP address of this machine and a port, such as 127.0.0.1:13002 or [::1]:13002."],
        Settings.Refusals(settings => AdminListener.Read(settings), $"ADMIN_LISTEN={value}"));

    [Theory]
    [InlineData("BALANCER_PORT")]
    [InlineData("TLS_PORT")]
    public void Read_PortOfClients_IsOneLine(string variable) => Assert.Equal(
        [$"ADMIN_LISTEN=127.0.0.1:13003 is not valid: expected a port of its own, and 13003 is {variable}."],
        Settings.Refusals(settings => AdminListener.Read(settings, (variable, 13003), ("X", null)), "ADMIN_LISTEN=127.0.0.1:13003"));

    [Theory]
    [InlineData("a b")]
    [InlineData("lb.internal:13002")]
    [InlineData("*.internal")]
    [InlineData("http://lb")]
    public void Read_NoHostName_IsOneLine(string name) => Assert.Equal(
        [$"ADMIN_HOSTS={name} is not valid: expected host names such as lb.internal, separated by commas; {name} is not one."],
        Settings.Refusals(settings => AdminListener.Read(settings), Listen, $"ADMIN_HOSTS={name}"));

    [Fact]
    public void Read_HostsWithoutListener_IsAWarning()
    {
        var reader = new SettingsReader(Settings.Of("ADMIN_HOSTS=lb.internal"));
        AdminListener.Read(reader);

        Assert.Equal("ADMIN_HOSTS is not used: ADMIN_LISTEN is unset.", Assert.Single(reader.Warnings));
    }

    private Task<RawResponse> AskAsync(string path) => RawClient.ExchangeAsync(_port, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

[OverLean]
public sealed class AdminListenerOverLeanTests : AdminListenerTests;
