using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Forwarding.Yarp;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Logging;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.Balancer.Telemetry.Traffic;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Forwards a request: resolves the client, selects the backend, sends the request, and retries it on the next backend
/// where that is safe.</summary>
internal sealed class RequestForwarder(
    ClientResolver clients,
    ClientCensus census,
    ClientHash hash,
    BackendChooser chooser,
    RequestSenders senders,
    ForwardingCounters counters,
    RetryChooser retries,
    BackendGates gates,
    PassiveHealth reports,
    OwnResponses own,
    BufferBudget bufferBudget,
    ForwardingRules rules,
    LoopGuard loops,
    RequestLimit requests,
    BodyLimit bodies,
    AccessLogWriter accessLog,
    ILogger<RequestForwarder> logger)
{
    public Task ForwardAsync(HttpContext context)
    {
        var request = context.Request;
        var client = clients.Resolve(context.Connection.RemoteIpAddress, request.Headers, out var hasField);
        census.Record(client, hasField);
        counters.CountRequest();

        if (requests.IsOn && !requests.TryTake(hash.Key(client.Address), out var retryAfter))
        {
            counters.CountError();
            own.Record(StatusCodes.Status429TooManyRequests);
            return ErrorResponse.WriteAsync(context, StatusCodes.Status429TooManyRequests, RequestLimit.Problem, retryAfter);
        }

        if (RefusalOf(request) is { } refusal)
        {
            if (!HttpProtocol.IsHttp2(request.Protocol))
            {
                context.Response.OnStarting(CloseAsync, context.Response);
            }

            return RefuseAsync(context, refusal.Status, refusal.Problem);
        }

        if (bodies.IsOn && request.ContentLength is null && BodyOf(context, buffered: null) == RequestBody.Streamed)
        {
            request.Body = new BoundedBody(request.Body, bodies);
        }

        var newCookie = rules.Cookie is { } cookie ? AssignId(request, cookie, ref client) : null;
        return BufferedBody.IsFor(request) && bufferBudget.TryTake(request.ContentLength!.Value)
            ? BufferAndSendAsync(context, client, newCookie)
            : SendAsync(context, client, newCookie, buffered: null);
    }

    private RequestRefusal? RefusalOf(HttpRequest request) =>
        loops.IsLoop(request.Headers[LoopMarker.FieldName])
            ? new RequestRefusal(StatusCodes.Status508LoopDetected, LoopGuard.Problem)
            : bodies.Refuses(request.ContentLength) ? new RequestRefusal(StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem)
            : RequestRefusal.Of(request);

    // A client without an id gets one before its backend is selected, so that its first response comes from where all others will.
    private static string? AssignId(HttpRequest request, StickyCookie cookie, ref Client client)
    {
        cookie.RemoveFrom(request.Headers);
        if (client.Key is not null)
        {
            return null;
        }

        var id = StickyCookie.NewId();
        client = client with { Key = StickyKey.Of(id), IsNew = true };
        return cookie.Set(id, isSecure: request.IsHttps || (client.PeerIsTrusted && ForwardedClaims.SaysHttps(request)));
    }

    private async Task BufferAndSendAsync(HttpContext context, Client client, string? newCookie)
    {
        using var buffered = await BufferedBody.ReadAsync(context, bufferBudget);
        if (buffered is not null)
        {
            await SendAsync(context, client, newCookie, buffered);
        }
    }

    // Where the next request on the connection starts is unknown.
    private static Task CloseAsync(object response)
    {
        ((HttpResponse)response).Headers.Connection = "close";
        return Task.CompletedTask;
    }

    // If the client is still there, it learns what was wrong with its body.
    private Task ReportBodyErrorAsync(HttpContext context) => context switch
    {
        { RequestAborted.IsCancellationRequested: true } or { Response.HasStarted: true } => Task.CompletedTask,
        { Response.StatusCode: StatusCodes.Status413PayloadTooLarge } => RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem),
        { Response.StatusCode: StatusCodes.Status400BadRequest } => RefuseAsync(context, StatusCodes.Status400BadRequest, "the request body is incomplete or malformed"),
        _ => Task.CompletedTask,
    };

    private Task RefuseAsync(HttpContext context, int status, string problem)
    {
        counters.CountError();
        own.Record(status);
        return ErrorResponse.WriteAsync(context, status, problem);
    }

    private static RequestBody BodyOf(HttpContext context, BufferedBody? buffered) =>
        buffered is not null ? RequestBody.Buffered
        : context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true ? RequestBody.Streamed
        : RequestBody.Empty;

    private async Task SendAsync(HttpContext context, Client client, string? newCookie, BufferedBody? buffered)
    {
        var slot = hash.Slot(client);
        if (chooser.First(slot) is not { } backend)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "no node is known");
            return;
        }

        var request = new ForwardedRequest(context, client, buffered?.Bytes, BodyOf(context, buffered), rules) { Slot = slot, NewCookie = newCookie };
        var sender = senders.For(context.Request);
        while (true)
        {
            if (gates.IsOn && !await gates.TryEnterAsync(backend.Backend, context.RequestAborted))
            {
                await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "the node is at its request limit, and no slot became free in time");
                return;
            }

            var result = await TryAsync(request, backend, sender);
            if (result is not { } failure)
            {
                return;
            }

            if (failure.Point == FailurePoint.Client)
            {
                await ReportBodyErrorAsync(context);
                return;
            }

            request.AddTried(backend.Backend);
            if (context.Response.HasStarted)
            {
                // The client has part of the response already and sees it break off.
                logger.RequestFailed(context.Request.Method, context.Request.Path, backend.Known, context.Response.StatusCode, failure.Problem);
                return;
            }

            if (context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            if (retries.Next(request, failure) is not { } next)
            {
                logger.RequestFailed(context.Request.Method, context.Request.Path, backend.Known, failure.Status, failure.Problem);
                await RefuseAsync(context, failure.Status, failure.IsBackendFault ? chooser.Explain(failure.Problem) : failure.Problem);
                return;
            }

            logger.Retrying(context.Request.Method, context.Request.Path, backend.Known, failure.Problem);
            counters.CountRetry();
            backend.Runtime.Traffic.CountRetry();
            backend = next;
            context.Response.Clear();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RequestFailure?> TryAsync(ForwardedRequest request, ChosenBackend backend, IRequestSender sender)
    {
        try
        {
            using var attempt = Begin(request, backend);
            var result = await sender.SendAsync(request, attempt);
            if (result is { } failure)
            {
                failure.ReportTo(reports, backend.Runtime);
            }
            else
            {
                PassiveHealth.Responded(backend.Runtime);
                backend.Runtime.Traffic.Record(request.Context.Response.StatusCode, attempt.Waited, attempt.BytesIn, attempt.BytesOut);
            }

            return result;
        }
        finally
        {
            chooser.End(request.Slot, backend.Known);
            if (gates.IsOn)
            {
                gates.Leave(backend.Backend);
            }
        }
    }

    private Attempt Begin(ForwardedRequest request, ChosenBackend backend)
    {
        accessLog.Tried(request.Context, backend.Known);
        // A long body takes as long as the client needs; the backend owes no response meanwhile.
        var isAwaited = request.Body != RequestBody.Streamed || request.Context.Request.ContentLength <= BufferedBody.MaxBytes;
        return new Attempt(backend.Runtime, isAwaited, request.MayBeRepeated, request, retries);
    }
}

/// <summary>Selects how a request is sent.</summary>
/// <param name="options">The configured way.</param>
/// <param name="transport">The protocol of the backends.</param>
/// <param name="lean">The common case.</param>
/// <param name="yarp">WebSockets, HTTP/2 backends, and everything under <c>FORWARDER=yarp</c>.</param>
internal sealed class RequestSenders(ForwardingOptions options, BackendTransportOptions transport, Http1Sender lean, YarpSender yarp)
{
    private readonly bool _isLean = options.Path != ForwardingPath.Yarp;
    private readonly bool _isHttp2 = transport.IsHttp2;

    public IRequestSender For(HttpRequest request) =>
        _isHttp2 || WebSocketHandshake.Is(request) ? yarp
        : _isLean || IsBeyondHttpClient(request) ? lean : yarp;

    // HttpClient uppercases known methods, cannot send the target "*", and writes an empty Host twice.
    private static bool IsBeyondHttpClient(HttpRequest request) =>
        request.Host.Value is not { Length: > 0 }
        || request.Method.AsSpan().ContainsAnyInRange('a', 'z')
        || (request.Method == HttpMethods.Options
            && OriginForm.Of(request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, request.Method) == "*");
}
