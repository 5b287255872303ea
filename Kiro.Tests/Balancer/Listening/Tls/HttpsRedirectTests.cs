using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>TLS_REDIRECT: nothing but probes is served on the plain port.</summary>
public sealed class HttpsRedirectTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly TlsPeer _peer = new();

    [Theory]
    [InlineData("GET", "/a%20b?q=1", 308)]
    [InlineData("POST", "/", 308)]
    [InlineData("GET", "/health", 200)]
    public async Task Request_OnThePlainPort_IsSentToHttpsUnlessItIsAProbe(string method, string target, int status)
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
            Assert.Equal($"https://a.example:{_peer.Port}{target}", response.Headers.Location?.OriginalString);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example:8080\r\n", "https://a.example:{0}/")]
    [InlineData("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n", "https://[2001:db8::1]:{0}/")]
    [InlineData("GET http://b.example/a?b HTTP/1.1\r\nHost: a.example\r\n", "https://b.example:{0}/a?b")]
    [InlineData("GET //evil.example/ HTTP/1.0\r\nHost: a.example\r\n", "https://a.example:{0}//evil.example/")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n", "https://a.example:{0}/")]
    public async Task Host_AsItIsNamed_KeepsItsNameAndGetsTheOtherPort(string request, string location)
    {
        _files.Write("a", ["a.example"]);
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), "TLS_REDIRECT=on"]);

        var response = await balancer.ExchangeAsync($"{request}\r\n");

        Assert.Equal((308, string.Format(System.Globalization.CultureInfo.InvariantCulture, location, _peer.Port)), (response.Status, response.Value("Location")));
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("127.0.0.0/8", "https", 200)]
    [InlineData("127.0.0.0/8", "http", 308)]
    [InlineData("none", "https", 308)]
    public async Task Client_WhoCameToATrustedProxyByHttps_IsServed(string trusted, string proto, int status)
    {
        _files.Write("a", ["a.example"]);
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), "TLS_REDIRECT=on", $"TRUSTED_PROXIES={trusted}"]);

        Assert.Equal(status, (await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: {proto}\r\n\r\n")).Status);
        Assert.Equal(status == 200 ? 1 : 0, node.Heads.Count);
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost:\r\n")]
    [InlineData("POST / HTTP/1.0\r\nContent-Length: 1\r\n")]
    public async Task Request_ThatNamesNoHost_ReachesNoNode(string request)
    {
        _files.Write("a", ["a.example"]);
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), "TLS_REDIRECT=on"]);

        Assert.Equal(400, (await balancer.ExchangeAsync($"{request}\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("/%68ealth")]
    [InlineData("/secret/../health")]
    [InlineData("/secret/%2e%2e/alive")]
    [InlineData("/health/")]
    public async Task Path_ThatOnlyReadsLikeAProbe_ReachesNoNode(string path)
    {
        _files.Write("a", ["a.example"]);
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, [.. Folder(), "TLS_REDIRECT=on"]);

        Assert.Equal(308, (await balancer.ExchangeAsync($"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    public void Dispose() => _files.Dispose();

    private string[] Folder() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={_files.Folder}"];
}
