using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.ProxyProtocol;

/// <summary>The PROXY protocol of HAProxy and nginx, on the event loops and, with TLS, on Kestrel's ports.</summary>
public sealed class BehindRealProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("send-proxy")]
    [InlineData("send-proxy-v2")]
    [InlineData("send-proxy-v2 proxy-v2-options crc32c,unique-id")]
    [InlineData("nginx")]
    public async Task Client_BehindTheProxy_IsTheOneInTheHeader(string kind)
    {
        using var files = new TestCertificates();
        files.Write("a", ["a.example"]);
        var port = FreePort.Next();
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(
            node.Host, "PROXY_PROTOCOL=on", "TRUSTED_PROXIES=127.0.0.1", $"TLS_PORT={port}", $"TLS_CERTIFICATES={files.Folder}");
        await using (var plain = await StartAsync(kind, balancer.Port))
        await using (var tls = await StartAsync(kind, port))
        {
            for (var client = 2; client < 12; client++)
            {
                await AskAsync(new NetworkStream(await plain.ConnectAsync($"127.0.0.{client}"), ownsSocket: true));
                await using var stream = new SslStream(new NetworkStream(await tls.ConnectAsync($"127.0.0.{client}"), ownsSocket: true), false, (_, shown, _, _) => shown is not null);
                await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a.example" }, Cancel);
                await AskAsync(stream);
            }
        }

        Assert.Equal(
            Enumerable.Range(2, 10).SelectMany(client => new[] { $"127.0.0.{client}", $"127.0.0.{client}" }),
            node.Heads.Select(head => RawHead.Value(head, "X-Real-IP")!));
        // Neither the clients' connections nor HAProxy's checks were refused.
        Assert.DoesNotContain(balancer.Logs, line => line.Contains("PROXY_PROTOCOL", StringComparison.Ordinal));
    }

    private static Task<RealProxy> StartAsync(string kind, int balancer) =>
        kind == "nginx" ? RealProxy.NginxAsync(balancer) : RealProxy.HaproxyAsync(balancer, kind);

    private static async Task AskAsync(Stream stream)
    {
        await using (stream)
        {
            await stream.WriteAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancel);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            Assert.StartsWith("HTTP/1.1 200 ", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
        }
    }
}
