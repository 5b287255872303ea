using System.Runtime.CompilerServices;
using Kiro.Balancer.AccessLog;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Hashing;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Forwarding;

/// <summary>The way of a request: who calls, which slot, which node; send it, and try the next one if that is safe.</summary>
internal sealed class RequestForwarder(
    ClientResolver clients,
    ClientCensus census,
    ClientHash hash,
    BackendRegistry registry,
    RequestSenders senders,
    ForwardingCounters counters,
    RetryBudget budget,
    FailureReports reports,
    KeptBytes keptBytes,
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

        var forwarded = new ForwardedRequest(context, client, kept?.Bytes, RequestBodyKind.Of(context, kept));
        var sender = senders.For(request);
        if (await TryAsync(forwarded, backend, sender) is { } failure)
        {
            await RetryAsync(forwarded, slot, backend, failure, sender);
        }
    }

    private async Task RetryAsync(ForwardedRequest request, int slot, Backend backend, RequestFailure failure, IRequestSender sender)
    {
        var context = request.Context;
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

            if (!RetryPolicy.Allows(failure.Point, context.Request.Method, request.Body)
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
            if (await TryAsync(request, backend, sender) is not { } again)
            {
                return;
            }

            failure = again;
        }
    }

    /// <returns>Null when the node has answered, or when nobody waits for the answer any more.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RequestFailure?> TryAsync(ForwardedRequest request, Backend backend, IRequestSender sender)
    {
        accessLog.Tried(request.Context, backend);
        // A long body may take the client's time: as long as it comes, the node owes nothing.
        var isAwaited = request.Body != RequestBody.Streamed || request.Context.Request.ContentLength <= KeptBody.Longest;
        using var attempt = new Attempt(backend, isAwaited, request.MayBeRepeated);
        if (await sender.SendAsync(request, attempt) is not { } failure)
        {
            backend.Counters.ForgetLosses();
            return null;
        }

        if (failure.Point == FailurePoint.Client)
        {
            return null;
        }

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
