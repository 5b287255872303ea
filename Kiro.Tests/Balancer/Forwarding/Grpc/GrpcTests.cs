using Grpc.Core;
using Grpc.Net.Client;
using Kiro.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Hosting;

namespace Kiro.Tests.Balancer.Forwarding.Grpc;

/// <summary>gRPC from a real client through the balancer to real servers, with HTTP/2 over plain TCP and TLS.</summary>
public sealed class GrpcTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_OfEachKind_HasItsMessagesAndTrailers(bool isTls)
    {
        await using var node = await GrpcNode.StartAsync(listen =>
        {
            if (isTls)
            {
                listen.UseHttps(_authority.Issue(["127.0.0.1"]));
            }
        });
        await using var balancer = await StartAsync($"{(isTls ? "https://" : "")}127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}");
        using var channel = Channel(balancer);
        var calls = channel.CreateCallInvoker();

        using var unary = calls.AsyncUnaryCall(GrpcEcho.Unary, null, Options(deadline: 60), "hello");
        Assert.Equal("hello for 127.0.0.1 True", await unary);
        Assert.Equal("unary", unary.GetTrailers().GetValue("x-trailer"));

        using var fromServer = calls.AsyncServerStreamingCall(GrpcEcho.FromServer, null, Options(), "number");
        var received = new List<string>();
        await foreach (var message in fromServer.ResponseStream.ReadAllAsync(Cancel))
        {
            received.Add(message);
        }

        Assert.Equal(["number 1", "number 2", "number 3", "number 4", "number 5"], received);
        Assert.Equal("from server", fromServer.GetTrailers().GetValue("x-trailer"));

        using var fromClient = calls.AsyncClientStreamingCall(GrpcEcho.FromClient, null, Options());
        await fromClient.RequestStream.WriteAsync("a", Cancel);
        await fromClient.RequestStream.WriteAsync("b", Cancel);
        await fromClient.RequestStream.CompleteAsync();
        Assert.Equal("a b", await fromClient);

        using var both = calls.AsyncDuplexStreamingCall(GrpcEcho.BothWays, null, Options());
        for (var number = 0; number < 10; number++)
        {
            // Each echo returns before the next message is sent: neither direction waits for the end of the other.
            await both.RequestStream.WriteAsync($"{number}", Cancel);
            Assert.True(await both.ResponseStream.MoveNext(Cancel));
            Assert.Equal($"{number}", both.ResponseStream.Current);
        }

        await both.RequestStream.CompleteAsync();
        Assert.False(await both.ResponseStream.MoveNext(Cancel));
        Assert.Equal("both ways", both.GetTrailers().GetValue("x-trailer"));
    }

    [Fact]
    public async Task Call_ThatTheServerFails_HasItsStatusAndMessage()
    {
        await using var node = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{node.Port}");
        using var channel = Channel(balancer);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(GrpcEcho.Unary, null, Options(), "fail");
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((StatusCode.FailedPrecondition, "as you wish, 100 %"), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task Call_ThatTheClientCancels_IsCancelledAtTheServer()
    {
        await using var node = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{node.Port}");
        using var channel = Channel(balancer);
        using var cancel = new CancellationTokenSource();
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(GrpcEcho.FromServer, null, Options().WithCancellationToken(cancel.Token), "wait");
        Assert.True(await call.ResponseStream.MoveNext(Cancel));
        await cancel.CancelAsync();
        await Eventually.BeTrue(() => node.Calls.Cancelled == 1, "the server's call is cancelled");
        Assert.Equal(BackendState.Up, balancer.Backend(node.Port).Health.State);
    }

    [Fact]
    public async Task Call_WhoseDeadlinePasses_EndsAtBothEnds()
    {
        await using var node = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{node.Port}");
        using var channel = Channel(balancer);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(GrpcEcho.Unary, null, Options(deadline: 0.3), "wait");
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
        await Eventually.BeTrue(() => node.Calls.Cancelled == 1, "the server's call is cancelled");
    }

    [Fact]
    public async Task Call_WithNoNodeUp_IsUnavailable()
    {
        await using var balancer = await TestBalancer.StartUnreadyAsync($"127.0.0.1:{FreePort.Next()}", "BACKEND_PROTOCOL=h2c", "H2C=on");
        using var channel = Channel(balancer);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(GrpcEcho.Unary, null, Options(), "hello");
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((StatusCode.Unavailable, "the only node is not up: connection refused"), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task Calls_OfOneClient_GoToOneNodeAndOnWhenItDies()
    {
        await using var first = await GrpcNode.StartAsync();
        await using var second = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{first.Port},127.0.0.1:{second.Port}");
        using var channel = Channel(balancer);
        var headers = new Metadata { { "x-forwarded-for", balancer.ClientOf(first.Port) } };
        for (var number = 0; number < 20; number++)
        {
            if (number == 10)
            {
                Assert.Equal((10, 0), (balancer.Backend(first.Port).Counters.Requests, balancer.Backend(second.Port).Counters.Requests));
                await first.DisposeAsync();
            }

            try
            {
                using var call = channel.CreateCallInvoker().AsyncUnaryCall(GrpcEcho.Unary, null, Options().WithHeaders(headers), "hello");
                await call;
            }
            catch (RpcException failure) when (number == 10 && failure.StatusCode == StatusCode.Unavailable)
            {
                // It was in flight when the connection closed, and may have been executed.
            }
        }
    }

    [Fact]
    public async Task Stream_OfANodeThatDrains_EndsAsUnavailable()
    {
        await using var node = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{node.Port}", "HEALTH_INTERVAL=0.2", "HEALTH_TIMEOUT=0.2", "STREAM_GRACE=0");
        using var channel = Channel(balancer);
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(GrpcEcho.FromServer, null, Options(), "wait");
        Assert.True(await call.ResponseStream.MoveNext(Cancel));
        node.IsDraining = true;
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(Cancel))
            {
            }
        });
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    [Fact]
    public async Task Probe_OfTheGrpcHealthService_Passes()
    {
        await using var node = await GrpcNode.StartAsync();
        await using var balancer = await StartAsync($"127.0.0.1:{node.Port}", "HEALTH_PATH=/grpc.health.v1.Health/Check");
        Assert.Equal(BackendState.Up, balancer.Backend(node.Port).Health.State);
    }

    [Fact]
    public async Task Probe_OfANodeWithoutHttp2_FailsAndSaysSo()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartUnreadyAsync(node.Host, "BACKEND_PROTOCOL=h2c");
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Health.Error is { } error && error.Contains("HTTP/2", StringComparison.Ordinal), "the reason is told");
    }

    public void Dispose() => _authority.Dispose();

    private static Task<TestBalancer> StartAsync(string hosts, params string[] settings) =>
        TestBalancer.StartAsync(hosts, ["BACKEND_PROTOCOL=h2c", "H2C=on", .. settings]);

    private static GrpcChannel Channel(TestBalancer balancer) => GrpcChannel.ForAddress($"http://127.0.0.1:{balancer.Port}");

    private static CallOptions Options(double? deadline = null) => new(
        cancellationToken: Cancel, deadline: deadline is { } seconds ? DateTime.UtcNow.AddSeconds(seconds) : null);
}
