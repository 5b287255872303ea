using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Sends requests with YARP and HttpClient, which know everything: upgrades, tracing, other versions of HTTP.</summary>
internal sealed class YarpSender(
    IHttpForwarder forwarder, BackendConnections connections, BackendTransportOptions transport, ForwardingRules rules, OpenStreams streams, TimeProvider time)
    : IRequestSender
{
    private readonly ForwarderRequestConfig _config = new()
    {
        ActivityTimeout = rules.Timeouts.Stream,
        Version = transport.IsHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public async ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt)
    {
        var context = request.Context;
        if (request.Kept is { } kept)
        {
            context.Request.Body = new MemoryStream(kept, writable: false);
        }

        if (!ArePassable(context.Request.Headers))
        {
            return RequestFailure.UnsendableRequest;
        }

        var isHandshake = WebSocketHandshake.Is(context.Request);
        if (!isHandshake)
        {
            // YARP would take more for a wish to upgrade.
            context.Request.Headers.Upgrade = default;
        }

        if (Grpc.Is(context.Request.ContentType))
        {
            // A call may say nothing for as long as it likes.
            context.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        }

        using var clock = new ExchangeClock(rules.Timeouts.Exchange, time);
        var transformer = new RequestTransformer(request, attempt, streams, clock);
        using var tunnel = isHandshake ? new TunnelFeature(context, request.Slot, attempt.Backend, streams, time) : null;
        attempt.WhenGivenUp(clock);
        var handler = PrivateConnections.For(context)?.Handler(connections.CreatePrivate) ?? connections.Shared;
        var error = await forwarder.SendAsync(context, attempt.Backend.UrlPrefix, handler, _config, transformer, clock.Token);
        if (error == ForwarderError.None || transformer.HasResponded)
        {
            attempt.BytesIn = context.Request.ContentLength ?? 0;
            attempt.BytesOut = context.Response.ContentLength ?? 0;
            return null;
        }

        var clientIsGone = context.RequestAborted.IsCancellationRequested;
        var failure = clock.HasRunOut && !clientIsGone
            ? (context.Response.HasStarted ? RequestFailure.StalledResponse : RequestFailure.TooSlow)
            : attempt.IsGivenUp && !clientIsGone
            ? RequestFailure.BackendHangs
            : YarpFailure.From(error, context.GetForwarderErrorFeature()?.Exception, clientIsGone);
        if (failure.Point != FailurePoint.Client)
        {
            transformer.DiscardResponse(context);
        }
        else if (context.GetForwarderErrorFeature()?.Exception is BadHttpRequestException broken && !context.Response.HasStarted)
        {
            context.Response.StatusCode = broken.StatusCode;
        }

        return failure;
    }

    // Controls in values could mean something else to a node (RFC 9110, section 5.5).
    private static bool ArePassable(IHeaderDictionary headers)
    {
        foreach (var (_, values) in headers)
        {
            foreach (var value in values)
            {
                if (value is not null && !HttpSyntax.IsText(value))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
