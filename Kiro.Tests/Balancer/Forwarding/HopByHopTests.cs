using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class HopByHopTests
{
    [Theory]
    [InlineData("Connection", "keep-alive")]
    [InlineData("Keep-Alive", "timeout=5")]
    [InlineData("Proxy-Connection", "keep-alive")]
    [InlineData("Proxy-Authorization", "Basic YTpi")]
    [InlineData("TE", "gzip, deflate")]
    [InlineData("Upgrade", "h2c")]
    [InlineData("HTTP2-Settings", "AAMAAABkAAQAAP__")]
    public async Task Request_HopByHopField_IsDropped(string name, string value)
    {
        var head = await ForwardAsync($"{name}: {value}\r\n");

        Assert.False(RawHead.Has(head, name));
    }

    [Fact]
    public async Task Request_UpgradeToCleartextHttp2_IsNotOffered()
    {
        // A node that accepted it would speak HTTP/2 to the client through a blind tunnel.
        var head = await ForwardAsync("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");

        Assert.False(RawHead.Has(head, "Upgrade"));
        Assert.False(RawHead.Has(head, "Connection"));
        Assert.False(RawHead.Has(head, "HTTP2-Settings"));
    }

    [Theory]
    [InlineData("X-Own", "Connection: X-Own")]
    [InlineData("X-Own", "Connection: x-OWN")]
    [InlineData("X-Own", "Connection: X-Other\r\nConnection: not a name, \u00e9,,X-Own ,")]
    [InlineData("Cookie", "Connection: Cookie")]
    [InlineData("Content-Type", "Connection: Content-Type")]
    [InlineData("TE", "Connection: TE")]
    public async Task Request_FieldNamedInConnection_IsDropped(string name, string connection)
    {
        var head = await ForwardAsync($"{connection}\r\n{name}: value\r\nX-Kept: 1\r\n");

        Assert.False(RawHead.Has(head, name));
        Assert.False(RawHead.Has(head, "Connection"));
        Assert.Equal("1", RawHead.Value(head, "X-Kept"));
    }

    [Theory]
    [InlineData("Host", "a.example")]
    [InlineData("X-Forwarded-For", "203.0.113.7, 127.0.0.1")]
    [InlineData("X-Forwarded-Host", "a.example")]
    [InlineData("X-Forwarded-Proto", null)]
    [InlineData("X-Real-IP", "203.0.113.7")]
    public async Task Request_TrustedFieldNamedInConnection_IsKept(string name, string? expected)
    {
        var head = await ForwardAsync($"Connection: {name}\r\nX-Forwarded-For: 203.0.113.7\r\n");

        Assert.Equal(expected ?? TestedPath.Scheme, RawHead.Value(head, name));
    }

    [Theory]
    [InlineData("Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task Request_FramingNamedInConnection_IsKept(string rest)
    {
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{rest}");

        Assert.Equal("ok", response.Body);
        Assert.Equal("hello", body);
        Assert.Single(node.Heads);
    }

    [Theory]
    [InlineData("Keep-Alive: timeout=5", "Keep-Alive")]
    [InlineData("Proxy-Connection: keep-alive", "Proxy-Connection")]
    [InlineData("Proxy-Authenticate: Basic", "Proxy-Authenticate")]
    [InlineData("Connection: keep-alive", "Connection")]
    [InlineData("Connection: X-Own\r\nX-Own: 1", "X-Own")]
    [InlineData("Connection: close, x-own\r\nX-Own: 1", "X-Own")]
    [InlineData("Upgrade: h2c", "Upgrade")]
    public async Task Response_HopByHopField_IsDropped(string fields, string name)
    {
        await using var node = RawBackend.Responding($"HTTP/1.1 200 OK\r\n{fields}\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.False(response.Has(name));
        Assert.Equal("1", response.Value("X-Kept"));
        Assert.Equal("ok", response.Body);
    }

    [Fact]
    public async Task Response_FramingNamedInConnection_IsKept()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("2", response.Value("Content-Length"));
        Assert.Equal("ok", response.Body);
    }

    [Fact]
    public async Task Response_NodeCloses_KeepsTheClientConnection()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 3; number++)
        {
            await client.SendAsync("GET /close HTTP/1.1\r\nHost: a.example\r\n\r\n");
            var response = await client.ReadResponseAsync();
            Assert.Equal("closing", response.Body);
            Assert.False(response.Has("Connection"));
        }
    }

    private static Task<string> ForwardAsync(string fields) =>
        ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
}
