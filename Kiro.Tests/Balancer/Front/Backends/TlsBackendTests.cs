using System.Net.Security;
using System.Net.Sockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front.Backends;

/// <summary>What only a node behind TLS can do to a connection.</summary>
[OverTls]
public sealed class TlsBackendTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    public TlsBackendTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Data_AfterAResponse_IsNeverTheNextResponse(int records)
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync(exchange.Number == 1 ? Ok : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew");
            for (var record = 0; exchange.Number == 1 && record < records; record++)
            {
                await exchange.WriteAsync(Ok);
            }
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal("ok", (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);
        if (records > 0)
        {
            await Eventually.BeTrue(() => balancer.Front.NodeConnections == 0, "the connection is closed");
        }

        Assert.Equal("new", (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);
        Assert.Equal(records == 0 ? 1 : 2, balancer.Backend(node.Port).Runtime.Traffic.Connects);
    }

    [Fact]
    public async Task CloseNotify_OnAnIdleConnection_LosesNoRequest()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await exchange.WriteAsync(Ok);
            exchange.Connection.HalfClose();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        for (var number = 1; number <= 5; number++)
        {
            Assert.Equal("ok", (await balancer.ExchangeAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")).Body);
            Assert.Equal(number, node.Heads.Count);
        }
    }

    [Theory]
    [InlineData(false, "the connection was closed during the handshake")]
    [InlineData(true, "")]
    public async Task Handshake_BrokenOff_Is502(bool isReset, string reason)
    {
        await using var node = new SocketServer(async (stream, stop) =>
        {
            await stream.ReadExactlyAsync(new byte[16], stop);
            stream.Socket.LingerState = new LingerOption(isReset, 0);
            stream.Socket.Close();
        });
        await using var balancer = await TestBalancer.StartUnreadyAsync($"https://127.0.0.1:{node.Port}");

        var response = await balancer.ExchangeAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");

        Assert.Equal(502, response.Status);
        Assert.Contains("TLS handshake failed: " + reason, response.Body, StringComparison.Ordinal);
        await Eventually.BeTrue(() => balancer.Front is { NodeConnections: 0, HeldBytes: 0 }, "nothing is left of it");
    }

    [Fact]
    public async Task Close_ByTheBalancer_BeginsWithCloseNotify()
    {
        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var authority = new TestAuthority();
        await using var node = new SocketServer(async (stream, stop) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(authority.Issue(["127.0.0.1"]));
            var isProbe = (await new RawStream(stream.Socket, tls).ReadHeadAsync())!.StartsWith("GET /health", StringComparison.Ordinal);
            await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}"u8.ToArray(), stop);
            // SslStream also returns 0 for a connection that just ends, so look for the record below it.
            if (!isProbe)
            {
                end.TrySetResult(await stream.ReadAsync(new byte[256], stop));
            }
        });
        await using (var balancer = await TestBalancer.StartUnreadyAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={authority.File}", "HEALTH_INTERVAL=3600"))
        {
            Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        }

        Assert.InRange(await end.Task.WaitAsync(TestContext.Current.CancellationToken), 20, 60);
    }
}
