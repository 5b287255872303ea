using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Forwarding;

/// <content>One node after the other, as long as that is safe.</content>
internal sealed partial class RequestForwarder
{
    private async Task SendAsync(HttpContext context, Client client, string? newCookie, KeptBody? kept)
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
                await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "the node has as many requests as it may have, and none ended in time");
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
                await RefuseAsync(context, failure.Status, failure.IsOfNode ? chooser.Explain(failure.Problem) : failure.Problem);
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
        var isAwaited = request.Body != RequestBody.Streamed || request.Context.Request.ContentLength <= KeptBody.MaxBytes;
        return new Attempt(backend.Runtime, isAwaited, request.MayBeRepeated, request, retries);
    }
}
