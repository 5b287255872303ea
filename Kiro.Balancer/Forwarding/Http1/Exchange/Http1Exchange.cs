using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using OpenTelemetry.Trace;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>One request and its response on one connection.</summary>
/// <param name="request">The request.</param>
/// <param name="attempt">The attempt that this is part of.</param>
/// <param name="connection">Used by this exchange only, and returned or closed at its end.</param>
/// <param name="streams">The registry of event streams.</param>
/// <param name="time">For the wait for 100 Continue.</param>
/// <param name="span">The attempt's span, if it is traced.</param>
internal sealed partial class Http1Exchange(
    ForwardedRequest request, Attempt attempt, PooledConnection connection, OpenStreams streams, TimeProvider time, Activity? span = null)
{
    private readonly HttpContext _context = request.Context;
    private RequestBodySender? _body;
    private ITimer? _continue;

    /// <summary>It failed before the backend can have received any of the request.</summary>
    public bool WasUnsent { get; private set; }

    /// <summary>It failed before the first byte of a response.</summary>
    public bool HadNoResponse { get; private set; }

    /// <returns>Null when the backend has responded.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<RequestFailure?> RunAsync()
    {
        connection.Begin(request.Rules.Timeouts.Exchange);
        attempt.OnAbandon(connection);
        var leaving = _context.RequestAborted.UnsafeRegister(
            static connection => ((PooledConnection)connection!).Abort(AbortReason.Client), connection);
        var isReusable = false;
        try
        {
            var failure = attempt.IsAbandoned ? RequestFailure.BackendHung : await SendAsync() ?? await ReceiveResponseAsync();
            isReusable = failure is null && !connection.Head.Closes && _body is null or { IsComplete: true } && connection.IsReusable();
            if (failure is { } error)
            {
                AbortResponse(error);
            }

            return failure;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException && _context.RequestAborted.IsCancellationRequested)
        {
            return RequestFailure.ClientAborted;
        }
        finally
        {
            attempt.Unregister();
            isReusable &= leaving.Unregister();
            _continue?.Dispose();
            if (_body is { IsComplete: false })
            {
                connection.Abort(AbortReason.Responded);
            }

            try
            {
                await (_body?.StopAsync() ?? Task.CompletedTask);
            }
            finally
            {
                Release(isReusable);
            }
        }
    }

    private void Release(bool isReusable)
    {
        attempt.BytesIn += connection.BytesSent;
        attempt.BytesOut += connection.BytesReceived;
        if (isReusable
            && connection.Head is { BindsConnection: true, Status: StatusCodes.Status401Unauthorized or StatusCodes.Status407ProxyAuthenticationRequired })
        {
            // Private to this client from now on.
            isReusable = _context.Features.Get<KestrelConnection>()?.Logins.TryAdopt(connection) == true;
        }

        if (isReusable)
        {
            connection.Pool.Return(connection);
        }
        else
        {
            connection.Dispose();
        }
    }

    private async ValueTask<RequestFailure?> SendAsync()
    {
        var output = connection.Output;
        output.Clear();
        if (!RequestHeadWriter.TryWrite(output, request, attempt.Backend, span))
        {
            return RequestFailure.UnsendableRequest;
        }

        if (request.Buffered is { } body)
        {
            output.Write(body);
        }
        else if (request.Body == RequestBody.Streamed)
        {
            _body = new RequestBodySender(_context.Request, connection);
        }

        var expects = _body is not null && RequestHeadWriter.ExpectsContinue(_context.Request);
        var hasInitial = _body is not null && !expects && await _body.AppendInitialAsync();
        var isStale = connection.IsStale(poll: !request.MayBeRepeated);
        var isSent = !isStale && await connection.SendAsync(output.Bytes) == output.Length;
        // Only a connection that the backend closed calls for another one, not a client's invalid body.
        WasUnsent = isStale ? connection.AbortReason == AbortReason.None : !isSent && connection.NothingWasSent;
        if (hasInitial)
        {
            _body!.CompleteInitial(isSent);
        }

        if (isStale)
        {
            return AbortFailure() ?? RequestFailure.NoResponse;
        }

        if (isSent && expects)
        {
            _continue = time.CreateTimer(
                static body => ((RequestBodySender)body!).StartOnThreadPool(), _body,
                ForwardingTimeouts.Continue, Timeout.InfiniteTimeSpan);
        }
        else if (isSent)
        {
            _body?.Start();
        }

        // The backend may have responded before it closed.
        return null;
    }

    /// <returns>Why the balancer aborted the exchange; null when it did not.</returns>
    private RequestFailure? AbortFailure(bool hasResponded = false) => connection.AbortReason switch
    {
        AbortReason.Client => RequestFailure.ClientAborted,
        AbortReason.Abandoned => RequestFailure.BackendHung,
        AbortReason.IdleTimeout => hasResponded ? RequestFailure.StalledResponse : RequestFailure.ResponseTimeout,
        _ => null,
    };
}

/// <summary>Sends HTTP/1.x requests on pooled connections, without HttpClient.</summary>
/// <param name="pools">The connections.</param>
/// <param name="streams">The registry of event streams.</param>
/// <param name="time">For the wait for 100 Continue.</param>
/// <param name="tracer">Present when spans are exported.</param>
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
        pool = PrivateConnections.For(request.Context)?.PoolFor(pool) ?? pool;
        var idle = pool.TryTake();
        while (idle is not null)
        {
            var exchange = new Http1Exchange(request, attempt, idle, streams, time, span);
            var failure = await exchange.RunAsync();
            if (failure != RequestFailure.NoResponse || !(exchange.WasUnsent || (exchange.HadNoResponse && request.MayBeRepeated)))
            {
                return failure;
            }

            // The backend closed the connection while it was idle, or is shutting down: only a new connection can tell.
            idle = exchange.WasUnsent ? pool.TryTake() : null;
        }

        return await SendOnNewConnectionAsync(request, attempt, pool, span);
    }

    private async ValueTask<RequestFailure?> SendOnNewConnectionAsync(ForwardedRequest request, Attempt attempt, ConnectionPool pool, Activity? span)
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
            return RequestFailure.ClientAborted;
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException or BackendTlsException)
        {
            return RequestFailure.From(ConnectError.From(exception));
        }
    }
}
