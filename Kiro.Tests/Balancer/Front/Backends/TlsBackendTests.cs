using System.Net.Security;
using System.Net.Sockets;
using System.Text;
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

    // Without close_notify the end of a body is as certain as over plain TCP; within a record it is none.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_UntilTheConnectionEnds_IsCompleteUnlessCutWithinARecord(bool isCut)
    {
        using var authority = new TestAuthority();
        await using var node = Serving(authority, async (stream, tls) =>
        {
            await tls.WriteAsync("HTTP/1.1 200 OK\r\n\r\nbody"u8.ToArray(), TestContext.Current.CancellationToken);
            if (isCut)
            {
                await stream.WriteAsync(new byte[] { 23, 3, 3, 0, 80, 1, 2, 3 }, TestContext.Current.CancellationToken);
            }

            stream.Socket.Close();
        });
        await using var balancer = await TestBalancer.StartAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={authority.File}");

        var seen = await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal((200, "body", !isCut), (seen.Status, seen.Body, seen.IsComplete));
    }

    [Fact]
    public async Task Close_ByTheBalancer_BeginsWithCloseNotify()
    {
        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var authority = new TestAuthority();
        await using var node = Serving(authority, async (stream, tls) =>
        {
            await tls.WriteAsync(Encoding.ASCII.GetBytes(Ok), TestContext.Current.CancellationToken);
            // SslStream also returns 0 for a connection that just ends, so look for the record below it.
            end.TrySetResult(await stream.ReadAsync(new byte[256], TestContext.Current.CancellationToken));
        });
        await using (var balancer = await TestBalancer.StartUnreadyAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={authority.File}", "HEALTH_INTERVAL=3600"))
        {
            Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        }

        Assert.InRange(await end.Task.WaitAsync(TestContext.Current.CancellationToken), 20, 60);
    }

    // A node that responds to probes itself.
    private static SocketServer Serving(TestAuthority authority, Func<NetworkStream, SslStream, Task> respond)
    {
        var certificate = authority.Issue(["127.0.0.1"]);
        return new SocketServer(async (stream, stop) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(certificate);
            var head = await new RawStream(stream.Socket, tls).ReadHeadAsync();
            if (head?.StartsWith("GET /health", StringComparison.Ordinal) == true)
            {
                await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}"u8.ToArray(), stop);
            }
            else
            {
                await respond(stream, tls);
            }
        });
    }
}
