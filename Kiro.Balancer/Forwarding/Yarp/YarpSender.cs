using System.Net;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Sends requests with YARP and HttpClient, which know everything: upgrades, tracing, other versions of HTTP.</summary>
internal sealed class YarpSender(IHttpForwarder forwarder, HttpMessageInvoker connections, OpenStreams streams, TimeProvider time)
    : IRequestSender
{
    private static readonly ForwarderRequestConfig Exchange = Idle(ForwardingTimeouts.Exchange);
    private static readonly ForwarderRequestConfig Stream = Idle(ForwardingTimeouts.Stream);

    public async ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt)
    {
        var context = request.Context;
        if (request.Kept is { } kept)
        {
            context.Request.Body = new MemoryStream(kept, writable: false);
        }

        var transformer = new RequestTransformer(request, attempt, streams);
        using var tunnel = TunnelFeature.For(context, attempt.Backend, streams, time);
        var hanging = new GiveUpSource();
        attempt.WhenGivenUp(hanging);
        var config = ForwardingTimeouts.For(context.Request) == ForwardingTimeouts.Stream ? Stream : Exchange;
        var error = await forwarder.SendAsync(context, attempt.Backend.UrlPrefix, connections, config, transformer, hanging.Token);
        if (error == ForwarderError.None || transformer.IsAnswered)
        {
            attempt.BytesIn = context.Request.ContentLength ?? 0;
            attempt.BytesOut = context.Response.ContentLength ?? 0;
            return null;
        }

        var clientIsGone = context.RequestAborted.IsCancellationRequested;
        var failure = attempt.IsGivenUp && !clientIsGone
            ? RequestFailure.NodeHangs
            : YarpFailure.From(error, context.GetForwarderErrorFeature()?.Exception, clientIsGone);
        if (failure.Point != FailurePoint.Client)
        {
            transformer.DiscardAnswer(context);
        }

        return failure;
    }

    private static ForwarderRequestConfig Idle(TimeSpan timeout) => new()
    {
        ActivityTimeout = timeout,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
