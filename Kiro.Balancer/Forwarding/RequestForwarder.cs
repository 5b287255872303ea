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

/// <summary>The way of a request: who calls, which slot, which node; send it, and try the next one if that is safe.</summary>
internal sealed class RequestForwarder(
    ClientResolver clients,
    ClientCensus census,
    ClientHash hash,
    BackendChooser chooser,
    RequestSenders senders,
    ForwardingCounters counters,
    RetryChooser retries,
    BackendGates gates,
    FailureReports reports,
    OwnResponses own,
    BufferBudget keptBytes,
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
        var client = clients.Resolve(context.Connection.RemoteIpAddress, request.Headers, out var claimsAnother);
        census.Note(client, claimsAnother);
        counters.Request();

        if (requests.IsOn && !requests.TryTake(hash.Key(client.Address), out var retryAfter))
        {
            counters.Error();
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

        if (bodies.IsOn && request.ContentLength is null && BodyOf(context, kept: null) == RequestBody.Streamed)
        {
            request.Body = new BoundedBody(request.Body, bodies);
        }

        var newCookie = rules.Cookie is { } cookie ? Recognise(request, cookie, ref client) : null;
        return BufferedBody.IsFor(request) && keptBytes.TryTake(request.ContentLength!.Value)
            ? KeepAndSendAsync(context, client, newCookie)
            : SendAsync(context, client, newCookie, kept: null);
    }

    private RequestRefusal? RefusalOf(HttpRequest request) =>
        loops.IsLoop(request.Headers[HopMark.FieldName])
            ? new RequestRefusal(StatusCodes.Status508LoopDetected, LoopGuard.Problem)
            : bodies.Refuses(request.ContentLength) ? new RequestRefusal(StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem)
            : RequestRefusal.Of(request);

    // The id of a client that has none is made before its node is chosen: its first response comes from where all others will.
    private static string? Recognise(HttpRequest request, StickyCookie cookie, ref Client client)
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

    private async Task KeepAndSendAsync(HttpContext context, Client client, string? newCookie)
    {
        using var kept = await BufferedBody.ReadAsync(context, keptBytes);
        if (kept is not null)
        {
            await SendAsync(context, client, newCookie, kept);
        }
    }

    // What follows on the connection may not be what the client meant as its next request.
    private static Task CloseAsync(object response)
    {
        ((HttpResponse)response).Headers.Connection = "close";
        return Task.CompletedTask;
    }

    // The client may still be there, and is to learn what was wrong with its body.
    private Task ExplainAsync(HttpContext context) => context switch
    {
        { RequestAborted.IsCancellationRequested: true } or { Response.HasStarted: true } => Task.CompletedTask,
        { Response.StatusCode: StatusCodes.Status413PayloadTooLarge } => RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, BodyLimit.Problem),
        { Response.StatusCode: StatusCodes.Status400BadRequest } => RefuseAsync(context, StatusCodes.Status400BadRequest, "the request body is incomplete or malformed"),
        _ => Task.CompletedTask,
    };

    private Task RefuseAsync(HttpContext context, int status, string problem)
    {
        counters.Error();
        own.Record(status);
        return ErrorResponse.WriteAsync(context, status, problem);
    }

    private static RequestBody BodyOf(HttpContext context, BufferedBody? kept) =>
        kept is not null ? RequestBody.Buffered
        : context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true ? RequestBody.Streamed
        : RequestBody.Empty;

    private async Task SendAsync(HttpContext context, Client client, string? newCookie, BufferedBody? kept)
    {
        var slot = hash.Slot(client);
        if (chooser.First(slot) is not { } backend)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "no node is known");
            return;
        }

        var request = new ForwardedRequest(context, client, kept?.Bytes, BodyOf(context, kept), rules) { Slot = slot, NewCookie = newCookie };
        var sender = senders.For(context.Request);
        while (true)
        {
            if (gates.IsOn && !await gates.TryEnterAsync(backend.Backend, context.RequestAborted))
            {
                await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "the node is at its request limit, and no slot became free in time");
                return;
            }

            var ended = await TryAsync(request, backend, sender);
            if (ended is not { } failure)
            {
                return;
            }

            if (failure.Point == FailurePoint.Client)
            {
                await ExplainAsync(context);
                return;
            }

            request.AddTried(backend.Backend);
            if (context.Response.HasStarted)
            {
                // The client has part of the response already and sees that it breaks off.
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
            counters.Retry();
            backend.Runtime.Traffic.Retry();
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
            var ended = await sender.SendAsync(request, attempt);
            if (ended is { } failure)
            {
                failure.ReportTo(reports, backend.Runtime);
            }
            else
            {
                FailureReports.Responded(backend.Runtime);
                backend.Runtime.Traffic.Record(request.Context.Response.StatusCode, attempt.Waited, attempt.BytesIn, attempt.BytesOut);
            }

            return ended;
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
        // A long body may take the client's time: as long as it comes, the node owes nothing.
        var isAwaited = request.Body != RequestBody.Streamed || request.Context.Request.ContentLength <= BufferedBody.MaxBytes;
        return new Attempt(backend.Runtime, isAwaited, request.MayBeRepeated, request, retries);
    }
}

/// <summary>Which way a request takes to its node.</summary>
/// <param name="options">What the user wants.</param>
/// <param name="transport">How nodes are spoken to.</param>
/// <param name="lean">For the common case.</param>
/// <param name="yarp">For WebSockets, for nodes that are spoken to with HTTP/2, and for all that it can do when the user wants it so.</param>
internal sealed class RequestSenders(ForwardingOptions options, BackendTransportOptions transport, Http1Sender lean, YarpSender yarp)
{
    private readonly bool _isLean = options.Path != ForwardingPath.Yarp;
    private readonly bool _isHttp2 = transport.IsHttp2;

    public IRequestSender For(HttpRequest request) =>
        _isHttp2 || WebSocketHandshake.Is(request) ? yarp
        : _isLean || IsBeyondHttpClient(request) ? lean : yarp;

    // HttpClient writes a known method in capitals, has no form for "*", and makes two lines of an empty Host.
    private static bool IsBeyondHttpClient(HttpRequest request) =>
        request.Host.Value is not { Length: > 0 }
        || request.Method.AsSpan().ContainsAnyInRange('a', 'z')
        || (request.Method == HttpMethods.Options
            && OriginForm.Of(request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, request.Method) == "*");
}
