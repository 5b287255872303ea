using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using OpenTelemetry.Trace;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Sends HTTP/1.x requests straight over kept connections, without HttpClient's messages and headers.</summary>
/// <param name="pools">The connections.</param>
/// <param name="streams">Told of streams of events.</param>
/// <param name="time">For the time that "100 Continue" may take.</param>
/// <param name="tracer">There when spans are exported.</param>
internal sealed class Http1Sender(ConnectionPools pools, OpenStreams streams, TimeProvider time, TracerProvider? tracer = null) : IRequestSender
{
    private readonly bool _isTraced = tracer is not null;

    public ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt) =>
        _isTraced ? SendTracedAsync(request, attempt) : SendAsync(request, attempt, span: null);

    private async ValueTask<RequestFailure?> SendTracedAsync(ForwardedRequest request, Attempt attempt)
    {
        using var span = ForwardingSpan.Start(request, attempt);
        var failure = await SendAsync(request, attempt, span);
        ForwardingSpan.End(span, request.Context.Response.StatusCode, failure);
        return failure;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt, Activity? span)
    {
        var pool = pools.Of(attempt.Runtime);
        pool = PrivateConnections.For(request.Context)?.Like(pool) ?? pool;
        var kept = pool.TryTake();
        while (kept is not null)
        {
            var exchange = new Http1Exchange(request, attempt, kept, streams, time, span);
            var failure = await exchange.RunAsync();
            if (failure != RequestFailure.NoResponse || !(exchange.WasUnsent || (exchange.HadNoResponse && request.MayBeRepeated)))
            {
                return failure;
            }

            // The node has closed the connection while it was idle, or is about to close all: only a new one can tell.
            kept = exchange.WasUnsent ? pool.TryTake() : null;
        }

        return await SendAnewAsync(request, attempt, pool, span);
    }

    private async ValueTask<RequestFailure?> SendAnewAsync(ForwardedRequest request, Attempt attempt, ConnectionPool pool, Activity? span)
    {
        try
        {
            var connection = await pool.ConnectAsync(request.Rules.Timeouts.Connect, request.Context.RequestAborted);
            var exchange = new Http1Exchange(request, attempt, connection, streams, time, span);
            var failure = await exchange.RunAsync();
            return failure == RequestFailure.NoResponse && exchange.WasUnsent
                ? RequestFailure.NoResponse with { Point = FailurePoint.Connect }
                : failure;
        }
        catch (OperationCanceledException)
        {
            return RequestFailure.ClientIsGone;
        }
        catch (Exception refused) when (refused is SocketException or TimeoutException or BackendTlsException)
        {
            return RequestFailure.From(ConnectError.From(refused));
        }
    }
}
