using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front.Tls;

/// <summary>TLS on an event loop: the handshake and the close.</summary>
public sealed class TlsHandshakeAndCloseTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly TlsPeer _peer = new();

    public TlsHandshakeAndCloseTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");
        _files.Write("a", ["a.example"]);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("\x16\x03\x01\xff\xff")]
    [InlineData("\x17\x03\x03\x00\x02hi")]
    [InlineData("\x00\x00\x00\x00\x00\x00")]
    public async Task Handshake_NotTls_ClosesAtOnce(string bytes)
    {
        await using var node = RawBackend.Responding();
        // On a clock that stands still, no timeout can close a connection.
        var clock = new SettableClock();
        clock.Offset = DateTimeOffset.UtcNow - clock.GetUtcNow();
        await using var balancer = await TestBalancer.StartAsync(clock, node.Host, Settings());
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, _peer.Port, Cancel);
        using var client = new RawStream(socket.Client);

        await client.WriteAsync(bytes);

        // Nothing, or an alert.
        Assert.DoesNotContain("HTTP", await client.ReadToEndAsync(), StringComparison.Ordinal);
        await Eventually.BeTrue(() => balancer.Front.Clients == 0, "nobody is left");
    }

    // As nginx and Caddy do it: whoever left out https:// would search for long.
    [Fact]
    public async Task Handshake_PlainHttp_IsAnsweredWith400()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        using var client = await RawClient.ConnectAsync(_peer.Port);

        await client.SendAsync(Get("/"));

        var response = await client.ReadResponseAsync();
        Assert.Equal(400, response.Status);
        Assert.Contains("this port speaks HTTPS", response.Body, StringComparison.Ordinal);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.False(client.Stream.WasReset);
        Assert.Empty(node.Heads);
    }

    [Fact]
    public async Task Handshake_InTheSegmentOfAProxyHeader_UsesItsAddress()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Settings(), "PROXY_PROTOCOL=on", "TRUSTED_PROXIES=127.0.0.1"]);
        using var client = await ConnectAsync(socket => new ShapedStream(socket) { Before = "PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n"u8.ToArray() });

        await client.SendAsync(Get("/"));

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        Assert.Equal("203.0.113.7", RawHead.Value(node.Heads.Single(), "X-Real-IP"));
    }

    // Without it a client cannot tell the end from a truncation (RFC 8446, section 6.1).
    [Theory]
    [InlineData("/")]
    [InlineData("/lb/status")]
    public async Task Close_AfterAResponse_SendsCloseNotify(string path)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        ShapedStream? shaped = null;
        using var client = await ConnectAsync(socket => shaped = new ShapedStream(socket), SslProtocols.Tls12);

        await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");

        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.False(client.Stream.WasReset);
        // TLS 1.2 shows the type of a record.
        Assert.Equal(21, shaped!.LastType);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Stop_DuringAHandshake_CompletesIt(string version)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _peer.Port, Cancel);
        // The client's last handshake message is held back.
        var shaped = new ShapedStream(socket) { HoldsFromSecondOn = true };
        var stream = await RawClient.OverTlsAsync(shaped, new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [version == "2.0" ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11],
        });
        Assert.Equal(1, balancer.Front.All.Sum(worker => worker.Handshakes));

        var stopping = balancer.StopAsync();
        await Eventually.BeTrue(async () => !await IsOpenAsync(), "nobody gets in any more");
        await shaped.ReleaseAsync();
        if (version == "1.1")
        {
            using var client = new RawClient(new RawStream(socket, stream));
            await client.SendAsync(Get("/"));
            Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        }
        else
        {
            await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(), Cancel);
            var frame = new byte[9];
            var types = new List<byte>();
            while (await stream.ReadAtLeastAsync(frame, 9, throwOnEndOfStream: false, Cancel) == 9)
            {
                types.Add(frame[3]);
                await stream.ReadExactlyAsync(new byte[(frame[0] << 16) | (frame[1] << 8) | frame[2]], Cancel);
            }

            // It gets GOAWAY (RFC 9113, section 6.8).
            Assert.Contains((byte)7, types);
        }

        await stopping;
    }

    public void Dispose() => _files.Dispose();

    private async Task<bool> IsOpenAsync()
    {
        using var knocking = new TcpClient();
        try
        {
            await knocking.ConnectAsync(IPAddress.Loopback, _peer.Port, Cancel);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Get(string path) => $"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n";

    private string[] Settings() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={_files.Folder}"];

    private Task<TestBalancer> StartAsync(RawBackend node) => TestBalancer.StartAsync(node.Host, Settings());

    private async Task<RawClient> ConnectAsync(Func<Socket, Stream> shape, SslProtocols version = SslProtocols.None)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, _peer.Port, Cancel);
        var stream = await RawClient.OverTlsAsync(shape(socket), new SslClientAuthenticationOptions { EnabledSslProtocols = version });
        return new RawClient(new RawStream(socket, stream));
    }
}
