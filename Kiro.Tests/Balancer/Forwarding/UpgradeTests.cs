using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Only a WebSocket handshake (RFC 6455, section 4.2.1) is forwarded as an upgrade; anything else is an ordinary request.</summary>
public class UpgradeTests
{
    private const string Handshake =
        "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    [Theory]
    [InlineData("another protocol", "Upgrade: websocket", "Upgrade: h2c")]
    [InlineData("another protocol of HTTP", "Upgrade: websocket", "Upgrade: TLS/1.3")]
    [InlineData("SPDY", "Upgrade: websocket", "Upgrade: SPDY/3.1")]
    [InlineData("several protocols", "Upgrade: websocket", "Upgrade: h2c, websocket")]
    [InlineData("no protocol", "Upgrade: websocket", "Upgrade:")]
    [InlineData("not GET", "GET / ", "HEAD / ")]
    [InlineData("not GET either", "GET / ", "get / ")]
    [InlineData("HTTP/1.0", "HTTP/1.1", "HTTP/1.0")]
    [InlineData("not in Connection", "Connection: Upgrade\r\n", "")]
    [InlineData("another option", "Connection: Upgrade\r\n", "Connection: keep-alive\r\n")]
    [InlineData("no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")]
    [InlineData("empty key", "dGhlIHNhbXBsZSBub25jZQ==", "")]
    [InlineData("no version", "Sec-WebSocket-Version: 13\r\n", "")]
    public async Task Upgrade_NotAWebSocketHandshake_IsAnOrdinaryRequest(string what, string part, string instead)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"{Handshake.Replace(part, instead, StringComparison.Ordinal)}\r\n");

        Assert.True(response.Status == 200, $"{what}: {response.StatusLine}");
        var head = Assert.Single(node.Heads);
        Assert.False(RawHead.Has(head, "Upgrade"), what);
        Assert.False(RawHead.Has(head, "Connection"), what);
    }

    [Theory]
    [InlineData("GET", "Connection: Upgrade\r\n")]
    [InlineData("OPTIONS", "Connection: Upgrade\r\n")]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: h2c\r\n")]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n")]
    public async Task SwitchingProtocols_WithoutAHandshake_Is502(string method, string fields)
    {
        await using var node = RawBackend.Responding("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(502, (await balancer.ExchangeAsync($"{method} / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")).Status);
    }

    [Theory]
    [InlineData("Connection: Upgrade", "Connection: Upgrade")]
    [InlineData("Connection: Upgrade", "Connection: keep-alive, upgrade")]
    [InlineData("Upgrade: websocket", "Upgrade: WebSocket")]
    public async Task Handshake_Valid_IsForwarded(string part, string instead)
    {
        await using var node = RawBackend.Responding(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\u0081\u0002hi");
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"{Handshake.Replace(part, instead, StringComparison.Ordinal)}\r\n");
        var response = await client.ReadResponseAsync();

        Assert.Equal(101, response.Status);
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", response.Value("Sec-WebSocket-Accept"));
        Assert.Equal("\u0081\u0002hi", await client.Stream.ReadAsync(4));
        Assert.Equal("websocket", RawHead.Value(Assert.Single(node.Heads), "Upgrade"), ignoreCase: true);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nhello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("Connection: Upgrade\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("Connection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task Upload_WithUpgrade_IsAnOrdinaryRequest(string rest)
    {
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n{rest}");

        Assert.Equal((200, "ok", "hello"), (response.Status, response.Body, body));
        Assert.False(RawHead.Has(Assert.Single(node.Heads), "Upgrade"));
    }

    [Theory]
    [InlineData("get / HTTP/1.1\r\nHost: a.example\r\n\r\n", "get / HTTP/1.1", "a.example")]
    [InlineData("Options / HTTP/1.1\r\nHost: a.example\r\n\r\n", "Options / HTTP/1.1", "a.example")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "OPTIONS * HTTP/1.1", "a.example")]
    [InlineData("OPTIONS http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", "OPTIONS * HTTP/1.1", "a.example")]
    [InlineData("OPTIONS http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "OPTIONS / HTTP/1.1", "a.example")]
    [InlineData("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1", null)]
    public async Task Request_NotExpressibleInHttpClient_IsForwardedAsIs(string request, string startLine, string? host)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(200, (await balancer.ExchangeAsync(request)).Status);

        var head = Assert.Single(node.Heads);
        Assert.Equal(startLine, RawHead.StartLine(head));
        Assert.Equal(host ?? node.Host, RawHead.Value(head, "Host"));
    }
}
