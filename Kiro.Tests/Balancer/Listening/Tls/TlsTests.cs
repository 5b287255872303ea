using System.Net;
using System.Net.Sockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>HTTPS and HTTP/2 with real handshakes.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly TlsPeer _peer = new();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Request_OverTls_IsForwarded(string version)
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var client = TlsPeer.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://127.0.0.1:{_peer.Port}/echo")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("hello"),
        };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(version, response.Version.ToString());
    }

    [Theory]
    [InlineData("a.example", "a.example")]
    [InlineData("www.w.example", "*.w.example")]
    [InlineData("unknown.example", "a.example")]
    public async Task Handshake_ServerName_ChoosesTheCertificate(string name, string expected)
    {
        _files.Write("a", ["a.example"]);
        _files.Write("w", ["*.w.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        Assert.Equal($"CN={expected}", (await _peer.HandshakeAsync(name)).Subject);
    }

    [Fact]
    public async Task Handshake_ClientAuthorities_LetInWhomTheySigned()
    {
        _files.Write("a", ["a.example"]);
        using var known = _files.WriteAuthority("authority", "alice");
        using var unknown = _files.WriteAuthority("stranger", "mallory");
        File.Delete(_files.PathOf("stranger.crt"));
        var authority = Path.Combine(Directory.CreateTempSubdirectory("kiro-ca-").FullName, "ca.pem");
        File.Move(_files.PathOf("authority.crt"), authority);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), $"TLS_CLIENT_CA={authority}"]);

        using var client = TlsPeer.Client(known);
        using var response = await client.GetAsync($"https://127.0.0.1:{_peer.Port}/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        foreach (var other in new[] { unknown, null })
        {
            using var refused = TlsPeer.Client(other);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => refused.GetAsync($"https://127.0.0.1:{_peer.Port}/", TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Handshake_Client_ResumesItsSession()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        var output = await _peer.OpensslAsync("", "-tls1_2", "-reconnect");
        Assert.Equal(5, output.Split('\n').Count(line => line.StartsWith("Reused", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Handshake_Tls13Client_ResumesItsSession()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        var session = _files.PathOf("session");
        // .NET caches credentials process-wide and evicts those not in use: tests running in parallel may come between the two
        // handshakes.
        await Eventually.BeTrue(
            async () =>
            {
                // The session ticket follows the handshake, so the client must read something before it closes.
                var first = await _peer.OpensslAsync("GET /health HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "-tls1_3", "-ign_eof", "-sess_out", session);
                Assert.Contains("200 OK", first, StringComparison.Ordinal);
                var second = await _peer.OpensslAsync("", "-tls1_3", "-sess_in", session);
                return second.Contains("\nReused, TLSv1.3", StringComparison.Ordinal);
            },
            "the session is resumed");
    }

    [Fact]
    public async Task Handshakes_ThatNeverEnd_HoldNobodyUp()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        var slow = new List<TcpClient>();
        for (var number = 0; number < 200; number++)
        {
            var client = new TcpClient();
            slow.Add(client);
            await client.ConnectAsync(IPAddress.Loopback, _peer.Port, TestContext.Current.CancellationToken);
            // The start of a ClientHello.
            await client.GetStream().WriteAsync(new byte[] { 22, 3, 1, 2, 0, 1 }, TestContext.Current.CancellationToken);
        }

        Assert.Equal("CN=a.example", (await _peer.HandshakeAsync("a.example")).Subject);
        var first = slow[0].GetStream();
        // The handshake timeout is ten seconds.
        await ReadToEndAsync(first);
        slow.ForEach(client => client.Dispose());
    }

    public void Dispose() => _files.Dispose();

    private string[] Folder() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={_files.Folder}"];

    private static async Task ReadToEndAsync(NetworkStream stream)
    {
        var buffer = new byte[256];
        try
        {
            while (await stream.ReadAsync(buffer, TestContext.Current.CancellationToken) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset.
        }
    }
}
