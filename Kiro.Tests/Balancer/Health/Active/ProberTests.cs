using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class ProberTests
{
    private const string Refused = "connection refused";
    private const string Invalid = "the response is not valid HTTP";
    private const string Lost = "connection lost before the response was complete";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", "Passed", null, null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"status\":\"ok\",\"node\":\"api-3\"}", "Passed", null, "api-3")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"status\":\"ok\",\"node\":\"\\ud800-1\"}", "Passed", null, null)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nuntil the end", "Passed", null, null)]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nold", "Passed", null, null)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "Passed", null, null)]
    [InlineData("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", "Passed", null, null)]
    [InlineData("HTTP/1.1 301 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "Failed", "health response 301", null)]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "Failed", "health response 404", null)]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "Failed", "health response 500", null)]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "Failed", "health response 503", null)]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 33\r\n\r\n{\"status\":\"error\",\"node\":\"api-3\"}", "Failed", "health response 503", "api-3")]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 36\r\n\r\n{\"status\":\"draining\",\"node\":\"api-3\"}", "Draining", null, "api-3")]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 21\r\n\r\n{\"status\":\"draining\"}", "Failed", "health response 500", null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short", "Lost", Lost, null)]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n", "Failed", Invalid, null)]
    [InlineData("", "Lost", Lost, null)]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", "Passed", null, null)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"node\":\"api-3\"}\r\n0\r\n\r\n", "Passed", null, "api-3")]
    [InlineData("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Passed", null, null)]
    // Responses for which a request would get 502.
    [InlineData("HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n", "Failed", Invalid, null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nOK", "Failed", Invalid, null)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Failed", Invalid, null)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "Failed", Invalid, null)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n", "Failed", Invalid, null)]
    [InlineData("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "Failed", Invalid, null)]
    public async Task ProbeAsync_Answer_IsJudged(string answer, string outcome, string? error, string? node)
    {
        await using var server = SocketServer.Responding(answer);

        var probe = await Probe(server.Port);

        Assert.Equal(Enum.Parse<ProbeOutcome>(outcome), probe.Outcome);
        Assert.Equal(error, probe.Error);
        Assert.Equal(node, probe.Node);
        Assert.Equal(outcome is "Passed" or "Draining" || error?.StartsWith("health", StringComparison.Ordinal) == true, probe.Latency is not null);
    }

    [Fact]
    public async Task ProbeAsync_EndlessBody_IsTruncated()
    {
        await using var server = new SocketServer(async (stream, stop) =>
        {
            await SocketServer.ReadHead(stream, stop);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), stop);
            while (!stop.IsCancellationRequested)
            {
                await stream.WriteAsync("400\r\n"u8.ToArray(), stop);
                await stream.WriteAsync(new byte[0x400], stop);
                await stream.WriteAsync("\r\n"u8.ToArray(), stop);
            }
        });

        Assert.Equal(ProbeOutcome.Passed, (await Probe(server.Port)).Outcome);
    }

    [Fact]
    public async Task ProbeAsync_NoListener_IsRefused()
    {
        var probe = await Probe(FreePort.Next());

        Assert.Equal(new ProbeResult(ProbeOutcome.Refused, null, Refused, null), probe);
    }

    [Fact]
    public async Task ProbeAsync_UnknownName_IsRefused()
    {
        var probe = await Probe(80, "no-such-host.invalid");

        Assert.Equal(ProbeOutcome.Refused, probe.Outcome);
        Assert.Equal("name not found", probe.Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning")]
    public async Task ProbeAsync_NoCompleteResponseInTime_IsTimedOut(string beginning)
    {
        var time = new FakeTimeProvider();
        var waiting = new TaskCompletionSource();
        await using var server = new SocketServer(async (stream, stop) =>
        {
            await SocketServer.ReadHead(stream, stop);
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(beginning), stop);
            waiting.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        });

        var probing = Probe(server.Port, time: time);
        await waiting.Task;
        time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(probing.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(new ProbeResult(ProbeOutcome.TimedOut, null, "no response within 3 s", null), await probing);
    }

    [Fact]
    public async Task ProbeAsync_ConnectionIsReset_IsLost()
    {
        await using var server = new SocketServer(async (stream, stop) =>
        {
            await SocketServer.ReadHead(stream, stop);
            stream.Socket.LingerState = new LingerOption(true, 0);
        });

        Assert.Equal(new ProbeResult(ProbeOutcome.Lost, null, Lost, null), await Probe(server.Port));
    }

    [Fact]
    public async Task ProbeAsync_Twice_OpensAConnectionEachTime()
    {
        await using var server = new SocketServer(async (stream, stop) =>
        {
            while (true)
            {
                await SocketServer.ReadHead(stream, stop);
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), stop);
            }
        });
        var prober = new Prober(Settings.Read(HealthOptions.Read), new BackendTls(BackendTransportOptions.Default, TimeProvider.System), TimeProvider.System);
        var backend = new Backend("127.0.0.1", server.Port);

        await prober.ProbeAsync(backend, TestContext.Current.CancellationToken);
        await prober.ProbeAsync(backend, TestContext.Current.CancellationToken);

        Assert.Equal(2, server.Connections);
    }

    [Fact]
    public async Task ProbeAsync_Request_FollowsTheSettings()
    {
        var head = new TaskCompletionSource<string>();
        await using var server = new SocketServer(async (stream, stop) =>
        {
            var bytes = new byte[4096];
            // TrySet: HttpClient retries when a connection is closed without a response.
            head.TrySetResult(System.Text.Encoding.Latin1.GetString(bytes, 0, await stream.ReadAsync(bytes, stop)));
        });
        var prober = new Prober(Settings.Read(HealthOptions.Read, "HEALTH_PATH=/up?full=1"), new BackendTls(BackendTransportOptions.Default, TimeProvider.System), TimeProvider.System);

        await prober.ProbeAsync(new Backend("127.0.0.1", server.Port), TestContext.Current.CancellationToken);

        var request = await head.Task;
        Assert.StartsWith("GET /up?full=1 HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains($"Host: 127.0.0.1:{server.Port}\r\n", request, StringComparison.Ordinal);
        Assert.Contains("User-Agent: Kiro-Probe/1.0\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", "Passed")]
    [InlineData("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "Failed")]
    public async Task ProbeAsync_StatusesAndHostAreSet_AreUsed(string answer, string outcome)
    {
        var head = new TaskCompletionSource<string>();
        await using var server = new SocketServer(async (stream, stop) =>
        {
            var bytes = new byte[4096];
            head.TrySetResult(System.Text.Encoding.Latin1.GetString(bytes, 0, await stream.ReadAsync(bytes, stop)));
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(answer), stop);
        });
        var prober = new Prober(Settings.Read(HealthOptions.Read, "HEALTH_STATUS=200-204,301", "HEALTH_HOST=api.example"), new BackendTls(BackendTransportOptions.Default, TimeProvider.System), TimeProvider.System);

        var probe = await prober.ProbeAsync(new Backend("127.0.0.1", server.Port), TestContext.Current.CancellationToken);

        Assert.Equal(Enum.Parse<ProbeOutcome>(outcome), probe.Outcome);
        Assert.Contains("\r\nHost: api.example\r\n", await head.Task, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProbeAsync_BalancerStops_IsCancelled()
    {
        using var stop = new CancellationTokenSource();
        var waiting = new TaskCompletionSource();
        await using var server = new SocketServer(async (stream, ended) =>
        {
            await SocketServer.ReadHead(stream, ended);
            waiting.SetResult();
            await Task.Delay(Timeout.Infinite, ended);
        });
        var prober = new Prober(Settings.Read(HealthOptions.Read), new BackendTls(BackendTransportOptions.Default, TimeProvider.System), TimeProvider.System);

        var probing = prober.ProbeAsync(new Backend("127.0.0.1", server.Port), stop.Token);
        await waiting.Task;
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
    }

    private static async Task<ProbeResult> Probe(int port, string host = "127.0.0.1", TimeProvider? time = null)
    {
        var prober = new Prober(Settings.Read(HealthOptions.Read), new BackendTls(BackendTransportOptions.Default, TimeProvider.System), time ?? TimeProvider.System);
        return await prober.ProbeAsync(new Backend(host, port), TestContext.Current.CancellationToken);
    }
}
