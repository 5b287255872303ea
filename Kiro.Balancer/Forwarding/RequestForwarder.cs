using Kiro.Balancer.AccessLog;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Hashing;
using Kiro.Balancer.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>The way of a request: who calls, which slot, which node; send it, and try the next one if that is safe.</summary>
internal sealed class RequestForwarder(
    ClientResolver clients,
    ClientCensus census,
    ClientHash hash,
    BackendRegistry registry,
    IHttpForwarder forwarder,
    HttpMessageInvoker connections,
    ForwardingCounters counters,
    RetryBudget budget,
    FailureReports reports,
    KeptBytes keptBytes,
    OpenStreams streams,
    TimeProvider time,
    AccessLogWriter accessLog,
    ILogger<RequestForwarder> logger)
{
    public async Task ForwardAsync(HttpContext context)
    {
        var request = context.Request;
        var forwardedFor = request.Headers["X-Forwarded-For"];
        var client = clients.Resolve(context.Connection.RemoteIpAddress, forwardedFor);
        census.Note(client, forwardedFor.Count > 0);
        counters.Request();

        if (RequestRefusal.Of(request) is { } refusal)
        {
            context.Response.OnStarting(CloseAsync, context.Response);
            await RefuseAsync(context, refusal.Status, refusal.Problem);
            return;
        }

        KeptBody? body = null;
        if (KeptBody.IsFor(request) && keptBytes.TryTake(request.ContentLength!.Value)
            && (body = await KeptBody.ReadAsync(context, keptBytes)) is null)
        {
            return;
        }

        using var kept = body;
        var slot = hash.Slot(client.Address);
        if (registry.Current.ChooseCounted(slot) is not { } backend)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "no node is known");
            return;
        }

        var transformer = new RequestTransformer(client, streams);
        using var tunnel = TunnelFeature.For(context, () => transformer.Attempt!.Backend, streams, time);
        if (await TryAsync(context, backend, transformer, kept) is { } failure)
        {
            await RetryAsync(context, slot, backend, failure, transformer, kept);
        }
    }

    private async Task RetryAsync(
        HttpContext context, int slot, Backend backend, RequestFailure failure, RequestTransformer transformer, KeptBody? kept)
    {
        var body = RequestBodyKind.Of(context, kept);
        var tried = new List<Backend> { backend };
        while (true)
        {
            if (context.Response.HasStarted)
            {
                // The client has part of the answer already and sees that it breaks off.
                logger.RequestFailed(context.Request.Method, context.Request.Path, backend, context.Response.StatusCode, failure.Problem);
                return;
            }

            if (context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            if (!RetryPolicy.Allows(failure.Point, context.Request.Method, body)
                || tried.Count >= RetryPolicy.MostTries
                || registry.Current.ChooseExcept(slot, tried) is not { } next
                || !budget.TryTake())
            {
                logger.RequestFailed(context.Request.Method, context.Request.Path, backend, failure.Status, failure.Problem);
                await RefuseAsync(context, failure.Status, failure.Problem);
                return;
            }

            logger.Retrying(context.Request.Method, context.Request.Path, backend, failure.Problem);
            counters.Retry();
            tried.Add(next);
            backend = next;
            context.Response.Clear();
            if (await TryAsync(context, backend, transformer, kept) is not { } again)
            {
                return;
            }

            failure = again;
        }
    }

    /// <returns>Null when the node has answered, or when nobody waits for the answer any more.</returns>
    private async ValueTask<RequestFailure?> TryAsync(HttpContext context, Backend backend, RequestTransformer transformer, KeptBody? kept)
    {
        accessLog.Tried(context, backend);
        kept?.Rewind(context.Request);
        var body = RequestBodyKind.Of(context, kept);
        var mayGoElsewhere = RetryPolicy.Allows(FailurePoint.BeforeResponse, context.Request.Method, body);
        // A long body may take the client's time: as long as it comes, the node owes nothing.
        var isAwaited = body != RequestBody.Streamed || context.Request.ContentLength <= KeptBody.Longest;
        using var attempt = transformer.Attempt = new Attempt(backend, isAwaited, mayGoElsewhere);
        var error = await forwarder.SendAsync(
            context, backend.UrlPrefix, connections, ForwardingTimeouts.For(context.Request), transformer, attempt.GiveUp);
        if (error == ForwarderError.None || transformer.IsAnswered)
        {
            backend.Counters.ForgetLosses();
            return null;
        }

        var failure = attempt.GiveUp.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested
            ? new RequestFailure(FailurePoint.BeforeResponse, "the node does not answer")
            : RequestFailure.From(error, context.GetForwarderErrorFeature()?.Exception, context.RequestAborted.IsCancellationRequested);
        if (failure.Point == FailurePoint.Client)
        {
            return null;
        }

        transformer.DiscardAnswer(context);
        reports.Report(backend, failure);
        return failure;
    }

    // What follows on the connection may not be what the client meant as its next request.
    private static Task CloseAsync(object response)
    {
        ((HttpResponse)response).Headers.Connection = "close";
        return Task.CompletedTask;
    }

    private Task RefuseAsync(HttpContext context, int status, string problem)
    {
        counters.Error();
        return ErrorAnswer.WriteAsync(context, status, problem);
    }
}
