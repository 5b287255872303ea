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
    public async Task Request_FieldOfTheConnection_IsDropped(string name, string value)
    {
        var head = await ForwardAsync($"{name}: {value}\r\n");

        Assert.False(RawHead.Has(head, name));
    }

    [Fact]
    public async Task Request_UpgradeToCleartextHttp2_IsNotOffered()
    {
        // A node that took it would speak HTTP/2 with the client, unseen by the balancer.
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
    public async Task Request_FieldThatTheNodeReliesOnNamedInConnection_StaysTrue(string name, string? expected)
    {
        var head = await ForwardAsync($"Connection: {name}\r\nX-Forwarded-For: 203.0.113.7\r\n");

        Assert.Equal(expected ?? TestedPath.Scheme, RawHead.Value(head, name));
    }

    [Theory]
    [InlineData("Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task Request_FramingNamedInConnection_StaysFramed(string rest)
    {
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{rest}");

        Assert.Equal("ok", answer.Body);
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
    public async Task Answer_FieldOfTheConnection_IsDropped(string fields, string name)
    {
        await using var node = RawBackend.Answering($"HTTP/1.1 200 OK\r\n{fields}\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.False(answer.Has(name));
        Assert.Equal("1", answer.Value("X-Kept"));
        Assert.Equal("ok", answer.Body);
    }

    [Fact]
    public async Task Answer_LengthNamedInConnection_StaysFramed()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("2", answer.Value("Content-Length"));
        Assert.Equal("ok", answer.Body);
    }

    [Fact]
    public async Task Answer_OfAClosingNode_KeepsTheClientsConnection()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 1; number <= 3; number++)
        {
            await client.SendAsync("GET /close HTTP/1.1\r\nHost: a.example\r\n\r\n");
            var answer = await client.ReadAnswerAsync();
            Assert.Equal("closing", answer.Body);
            Assert.False(answer.Has("Connection"));
        }
    }

    private static async Task<string> ForwardAsync(string fields)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var answer = await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");

        Assert.Equal(200, answer.Status);
        return Assert.Single(node.Heads);
    }
}
