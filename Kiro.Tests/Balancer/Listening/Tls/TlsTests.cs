using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>HTTPS and HTTP/2 over real handshakes.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly int _port = FreePort.Next();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Request_OverTls_IsForwarded(string version)
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var client = Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://127.0.0.1:{_port}/echo")
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
        Assert.Equal($"CN={expected}", (await HandshakeAsync(name)).Subject);
    }

    [Fact]
    public async Task Handshake_NewFiles_AreTakenAndOpenConnectionsStay()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var client = Client();
        using var before = await client.GetAsync($"https://127.0.0.1:{_port}/", TestContext.Current.CancellationToken);
        var serial = _files.Write("a", ["a.example"]);
        await Eventually.BeTrue(async () => (await HandshakeAsync("a.example")).SerialNumber == serial, "the new certificate is used");
        using var after = await client.GetAsync($"https://127.0.0.1:{_port}/", TestContext.Current.CancellationToken);
        Assert.True(before.IsSuccessStatusCode && after.IsSuccessStatusCode);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Handshake_BrokenNewFiles_TheOldCertificateStaysAndALogLineSaysWhy()
    {
        var serial = _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        File.WriteAllText(_files.PathOf("a.key"), "nothing");
        await Eventually.BeTrue(() => balancer.Logs.Any(line => line.Contains("the certificates before stay", StringComparison.Ordinal)), "the log says so");
        Assert.Equal(serial, (await HandshakeAsync("a.example")).SerialNumber);
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

        using var client = Client(known);
        using var response = await client.GetAsync($"https://127.0.0.1:{_port}/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        foreach (var other in new[] { unknown, null })
        {
            using var refused = Client(other);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => refused.GetAsync($"https://127.0.0.1:{_port}/", TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("GET", "/a%20b?q=1", 308)]
    [InlineData("POST", "/", 308)]
    [InlineData("GET", "/health", 200)]
    public async Task Redirect_PlainPort_SendsToHttpsButNotProbes(string method, string target, int status)
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), "TLS_REDIRECT=on"]);
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        request.Headers.Host = "a.example";
        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 308)
        {
            Assert.Equal($"https://a.example:{_port}{target}", response.Headers.Location?.OriginalString);
        }
    }

    [Fact]
    public async Task Handshake_Client_ResumesItsSession()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        var openssl = new System.Diagnostics.ProcessStartInfo("openssl", ["s_client", "-connect", $"127.0.0.1:{_port}", "-servername", "a.example", "-tls1_2", "-reconnect"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Start(openssl);
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal(5, output.Split('\n').Count(line => line.StartsWith("Reused", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Handshake_Tls13Client_ResumesItsSession()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        var session = _files.PathOf("session");
        // A ticket comes behind the handshake, so something has to be read before the client leaves.
        var first = await OpensslAsync("GET /health HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "-ign_eof", "-sess_out", session);
        Assert.Contains("200 OK", first, StringComparison.Ordinal);
        var second = await OpensslAsync("", "-sess_in", session);
        Assert.Contains("\nReused, TLSv1.3", second, StringComparison.Ordinal);
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
            await client.ConnectAsync(IPAddress.Loopback, _port, TestContext.Current.CancellationToken);
            // The beginning of a ClientHello.
            await client.GetStream().WriteAsync(new byte[] { 22, 3, 1, 2, 0, 1 }, TestContext.Current.CancellationToken);
        }

        Assert.Equal("CN=a.example", (await HandshakeAsync("a.example")).Subject);
        var first = slow[0].GetStream();
        // The balancer ends it after ten seconds.
        await ReadToEndAsync(first);
        slow.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Certificates_ReplacedUnderLoad_FailNoRequest()
    {
        _files.Write("a", ["a.example"]);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var served = 0;
            using var kept = Client();
            while (!stop.IsCancellationRequested)
            {
                // One connection is kept throughout, the others are new.
                using var fresh = Client();
                foreach (var client in new[] { kept, fresh })
                {
                    using var response = await client.GetAsync($"https://127.0.0.1:{_port}/{worker}", TestContext.Current.CancellationToken);
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    served++;
                }
            }

            return served;
        })).ToList();
        for (var number = 0; number < 3; number++)
        {
            var serial = _files.Write("a", ["a.example"]);
            await Eventually.BeTrue(async () => (await HandshakeAsync("a.example")).SerialNumber == serial, "the new certificate is used");
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(load), served => Assert.True(served > 0));
        Assert.Empty(balancer.Logs);
    }

    [Theory]
    [InlineData(90, 89, null)]
    [InlineData(15, 14, null)]
    [InlineData(14, 13, "The certificate for a.example expires in 13 days, on ")]
    [InlineData(2, 1, "The certificate for a.example expires in 1 day, on ")]
    [InlineData(1, 0, "The certificate for a.example expires within a day, on ")]
    public async Task Expiry_IsInTheStatusAndItsLastDaysAreAWarning(int days, int left, string? warning)
    {
        _files.Write("a", ["a.example", "b.example"], days);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Folder());

        using var status = System.Text.Json.JsonDocument.Parse(await balancer.Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken));
        var certificate = Assert.Single(status.RootElement.GetProperty("tls").GetProperty("certificates").EnumerateArray());
        Assert.Equal(["a.example", "b.example"], certificate.GetProperty("names").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(left, certificate.GetProperty("daysLeft").GetInt32());
        var warnings = status.RootElement.GetProperty("warnings").EnumerateArray().Select(line => line.GetString()!).Where(line => line.Contains("certificate", StringComparison.Ordinal));
        Assert.Equal(warning is not null, warnings.Any(line => line.StartsWith(warning ?? "", StringComparison.Ordinal)));
        Assert.Equal(warning is not null, balancer.Logs.Any(line => line.Contains("The certificate for", StringComparison.Ordinal)));
        Assert.Matches(
            $$"""kiro_tls_certificate_days_left\{[^}]*certificate="a\.example"[^}]*\} {{left}}\b""",
            await balancer.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken));
    }

    public void Dispose() => _files.Dispose();

    private async Task<string> OpensslAsync(string input, params string[] arguments)
    {
        using var process = Start(new System.Diagnostics.ProcessStartInfo(
            "openssl", ["s_client", "-connect", $"127.0.0.1:{_port}", "-servername", "a.example", "-tls1_3", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

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

    private string[] Folder() => [$"TLS_PORT={_port}", $"TLS_CERTIFICATES={_files.Folder}"];

    private static System.Diagnostics.Process Start(System.Diagnostics.ProcessStartInfo info)
    {
        try
        {
            return System.Diagnostics.Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("openssl is not here");
            throw;
        }
    }

    private static HttpClient Client(X509Certificate2? certificate = null) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            TargetHost = "a.example",
            ClientCertificates = certificate is null ? null : [certificate],
        },
    });

    private async Task<X509Certificate2> HandshakeAsync(string name)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, _port, TestContext.Current.CancellationToken);
        await using var stream = new SslStream(socket.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = name,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
                EnabledSslProtocols = SslProtocols.Tls13,
            },
            TestContext.Current.CancellationToken);
        return X509CertificateLoader.LoadCertificate(stream.RemoteCertificate!.Export(X509ContentType.Cert));
    }
}
