using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Clients.ProxyProtocol;

/// <summary>PROXY_PROTOCOL=on, on the event loops and on Kestrel's ports.</summary>
public class ProxyProtocolTests
{
    private const string On = "PROXY_PROTOCOL=on";
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    public static TheoryData<string, string> Headers { get; } = new()
    {
        { "PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n", "203.0.113.7" },
        { "PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7" },
        { "PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "203.0.113.7" },
        { "PROXY UNKNOWN\r\n", "127.0.0.1" },
        { ProxyHeaderBytes.Of("203.0.113.7"), "203.0.113.7" },
        { ProxyHeaderBytes.Of("2001:db8::7"), "2001:db8::7" },
        { Text(0x20, 0x00, ""), "127.0.0.1" },
        { Text(0x21, 0x00, ""), "127.0.0.1" },
        { Text(0x21, 0x31, null), "127.0.0.1" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Header_FromTrustedProxy_SetsTheClient(string header, string client)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On);

        // In one segment with the request, and byte by byte.
        Assert.Equal(200, (await balancer.ExchangeAsync(header + Get)).Status);
        using var slow = await RawClient.ConnectAsync(balancer.Port);
        foreach (var letter in header + Get)
        {
            await slow.SendAsync(letter.ToString());
        }

        Assert.Equal(200, (await slow.ReadResponseAsync()).Status);
        await slow.SendAsync(Get);
        Assert.Equal(200, (await slow.ReadResponseAsync()).Status);
        Assert.Equal(3, node.Heads.Count);
        foreach (var head in node.Heads)
        {
            Assert.Equal(client, RawHead.Value(head, "X-Real-IP"));
            Assert.Equal(client, RawHead.Value(head, "X-Forwarded-For"));
        }

        // The balancer's own pages use the same address, and so do connections handed to Kestrel afterwards.
        var route = await balancer.ExchangeAsync($"{header}GET /lb/route HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Contains($"\"ip\":\"{client}\"", route.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 99999 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("PROXY SCTP 203.0.113.7 198.51.100.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0C............GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04....GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x21\x11\u00FF\u00FF")]
    [InlineData("\x16\x03\x01")]
    public async Task Header_MalformedOrMissing_ClosesTheConnectionAndIsCounted(string bytes)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On);

        for (var connection = 1; connection <= 2; connection++)
        {
            using var client = await RawClient.ConnectAsync(balancer.Port);
            await client.SendAsync(bytes);
            Assert.Equal("", await ToEndAsync(client));
        }

        Assert.Empty(node.Heads);
        Assert.Equal(2, await RefusedAsync(balancer));
        Assert.Single(balancer.Logs, line => line.Contains("PROXY_PROTOCOL is on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Header_Truncated_IsCountedButAnEmptyConnectionIsNot()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On);
        using (await RawClient.ConnectAsync(balancer.Port))
        {
        }

        using (var half = await RawClient.ConnectAsync(balancer.Port))
        {
            await half.SendAsync("PROXY TCP4 203.0");
            half.Stream.HalfClose();
            Assert.Equal("", await ToEndAsync(half));
        }

        Assert.Equal(1, await RefusedAsync(balancer));
    }

    [Fact]
    public async Task Header_Late_ClosesTheConnectionAndIsCounted()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(time, node.Host, On);
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync("PROXY ");
        var ended = ToEndAsync(client);

        await Eventually.BeTrue(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(ended.IsCompleted);
            },
            "the connection is closed");
        Assert.Equal("", await ended);
        Assert.Equal(1, await RefusedAsync(balancer));
    }

    [Theory]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n", 400)]
    [InlineData("", 200)]
    public async Task Header_FromUntrustedPeer_IsRejected(string header, int status)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On, "TRUSTED_PROXIES=10.0.0.0/8");

        Assert.Equal(status, (await balancer.ExchangeAsync(header + Get)).Status);
        string[] clients = status == 200 ? ["127.0.0.1"] : [];
        Assert.Equal(clients, node.Heads.Select(head => RawHead.Value(head, "X-Real-IP")));
    }

    [Fact]
    public async Task Header_WhenOff_IsNotARequest()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(400, (await balancer.ExchangeAsync("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n" + Get)).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.1.2.3", "198.51.100.9", "198.51.100.9, 10.1.2.3")]
    public async Task ForwardedFor_AfterTheHeader_CountsIfItsSourceIsTrusted(string source, string client, string forwardedFor)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On, "TRUSTED_PROXIES=127.0.0.0/8,10.0.0.0/8");

        await balancer.ExchangeAsync($"PROXY TCP4 {source} 198.51.100.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n");

        Assert.Equal(client, RawHead.Value(node.Heads.Single(), "X-Real-IP"));
        Assert.Equal(forwardedFor, RawHead.Value(node.Heads.Single(), "X-Forwarded-For"));
    }

    [Fact]
    public async Task Limit_ConnectionsPerClient_UsesTheHeader()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On, "LIMIT_CONNECTIONS_PER_CLIENT=1");
        using (var first = await RawClient.ConnectAsync(balancer.Port))
        {
            await first.SendAsync("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n" + Get);
            Assert.Equal(200, (await first.ReadResponseAsync()).Status);
            Assert.Equal(429, (await balancer.ExchangeAsync("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n" + Get)).Status);
            Assert.Equal(200, (await balancer.ExchangeAsync("PROXY TCP4 203.0.113.8 198.51.100.1 1 2\r\n" + Get)).Status);
        }

        await Eventually.BeTrue(
            async () => (await balancer.ExchangeAsync("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n" + Get)).Status == 200,
            "the closed connection has made room");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tls_Header_PrecedesTheHandshake(bool isText)
    {
        using var files = new TestCertificates();
        files.Write("a", ["a.example"]);
        var port = FreePort.Next();
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, On, $"TLS_PORT={port}", $"TLS_CERTIFICATES={files.Folder}");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.Latin1.GetBytes(isText ? "PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n" : ProxyHeaderBytes.Of("203.0.113.7")), TestContext.Current.CancellationToken);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a.example" }, TestContext.Current.CancellationToken);
        await tls.WriteAsync(Encoding.ASCII.GetBytes(Get), TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => node.Heads.Count == 1, "the request is forwarded");
        Assert.Equal("203.0.113.7", RawHead.Value(node.Heads.Single(), "X-Real-IP"));

        // A handshake without the header is refused.
        using var bare = await RawClient.ConnectAsync(port);
        await bare.SendAsync("\x16\x03\x01\x02");
        Assert.Equal("", await ToEndAsync(bare));
        Assert.Equal(1, await RefusedAsync(balancer));
    }

    private static string Text(byte command, byte family, string? address) =>
        Encoding.Latin1.GetString(ProxyHeaderBytes.Binary(command, family, ProxyHeaderBytes.Addresses(address)));

    private static async Task<string> ToEndAsync(RawClient client)
    {
        try
        {
            return await client.Stream.ReadToEndAsync();
        }
        catch (IOException)
        {
            // Closed with unread bytes, which causes a reset.
            return "";
        }
    }

    private static async Task<long> RefusedAsync(TestBalancer balancer)
    {
        var status = await balancer.ExchangeAsync("PROXY UNKNOWN\r\nGET /lb/status HTTP/1.1\r\nHost: a\r\n\r\n");
        using var document = JsonDocument.Parse(status.Body);
        return document.RootElement.GetProperty("limits").GetProperty("proxyHeadersRefused").GetInt64();
    }
}

[OverLean]
public sealed class ProxyProtocolOverLeanTests : ProxyProtocolTests;

[OverYarp]
public sealed class ProxyProtocolOverYarpTests : ProxyProtocolTests;
