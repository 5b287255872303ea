using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Sends requests with YARP and HttpClient: upgrades, HTTP/2, tracing.</summary>
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
        if (request.Buffered is { } kept)
        {
            context.Request.Body = new MemoryStream(kept, writable: false);
        }

        if (!AreForwardable(context.Request.Headers))
        {
            return RequestFailure.UnsendableRequest;
        }

        var isHandshake = WebSocketHandshake.Is(context.Request);
        if (!isHandshake)
        {
            // YARP would try to upgrade other requests as well.
            context.Request.Headers.Upgrade = default;
        }

        if (Grpc.Is(context.Request.ContentType))
        {
            // A gRPC call may be silent for any length of time.
            context.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        }

        using var timeout = new ExchangeTimeout(rules.Timeouts.Exchange, time);
        var transformer = new RequestTransformer(request, attempt, streams, timeout);
        using var tunnel = isHandshake ? new TunnelFeature(context, request.Slot, attempt.Backend, streams, time) : null;
        attempt.OnAbandon(timeout);
        var handler = PrivateConnections.For(context)?.Handler(connections.CreatePrivate) ?? connections.Shared;
        var error = await forwarder.SendAsync(context, attempt.Backend.UrlPrefix, handler, _config, transformer, timeout.Token);
        if (error == ForwarderError.None || transformer.HasResponded)
        {
            attempt.BytesIn = context.Request.ContentLength ?? 0;
            attempt.BytesOut = context.Response.ContentLength ?? 0;
            return null;
        }

        var clientIsGone = context.RequestAborted.IsCancellationRequested;
        var failure = timeout.HasExpired && !clientIsGone
            ? (context.Response.HasStarted ? RequestFailure.StalledResponse : RequestFailure.ResponseTimeout)
            : attempt.IsAbandoned && !clientIsGone
            ? RequestFailure.BackendHung
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

    // Backends may interpret control characters in values differently (RFC 9110, section 5.5).
    private static bool AreForwardable(IHeaderDictionary headers)
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

/// <summary>Maps YARP's errors to failures.</summary>
internal static class YarpFailure
{
    public static RequestFailure From(ForwarderError error, Exception? exception, bool clientIsGone) => error switch
    {
        ForwarderError.RequestCreation => RequestFailure.UnsendableRequest,
        ForwarderError.Request when exception is HttpRequestException
            { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            RequestFailure.From(ConnectError.From(exception)),
        ForwarderError.Request or ForwarderError.ResponseHeaders
            when exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded } =>
            RequestFailure.InvalidResponse,
        // An unexpected 101: YARP cannot upgrade the client's connection.
        ForwarderError.UpgradeResponseClient when exception is InvalidOperationException => RequestFailure.InvalidResponse,
        ForwarderError.Request or ForwarderError.RequestBodyDestination => RequestFailure.NoResponse,
        ForwarderError.RequestTimedOut => RequestFailure.ResponseTimeout,
        ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination or ForwarderError.UpgradeResponseDestination
            or ForwarderError.UpgradeRequestDestination or ForwarderError.UpgradeActivityTimeout => RequestFailure.BrokenResponse,
        // Cancelled, but not by the client: the idle timeout.
        ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled
            when !clientIsGone => RequestFailure.StalledResponse,
        _ => RequestFailure.ClientAborted,
    };
}

/// <summary>Cancels an exchange that is idle for too long or whose backend hangs. YARP's own timeout has to be set before the kind of response
/// is known.</summary>
internal sealed class ExchangeTimeout : IAbandonable, IDisposable
{
    // Not disposed: it has no timer, and an abandoned attempt may be cancelling it.
    private readonly CancellationTokenSource _source = new();
    private readonly ITimer _timer;
    private readonly TimeSpan _limit;
    private bool _isStopped;

    /// <param name="limit">The idle timeout.</param>
    /// <param name="time">The clock.</param>
    public ExchangeTimeout(TimeSpan limit, TimeProvider time)
    {
        _limit = limit;
        _timer = time.CreateTimer(static timeout => ((ExchangeTimeout)timeout!).Expire(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>For the content of a request, which HttpClient sends.</summary>
    public static HttpRequestOptionsKey<ExchangeTimeout> Key { get; } = new("Kiro.ExchangeTimeout");

    public CancellationToken Token => _source.Token;

    /// <summary>Whether the timeout has expired.</summary>
    public bool HasExpired { get; private set; }

    /// <summary>Restarts the timeout: data was transferred.</summary>
    public void Touch()
    {
        if (!_isStopped)
        {
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Leaves the timeout to YARP from here on.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Abandon() => _source.Cancel();

    public void Dispose() => _timer.Dispose();

    private void Expire()
    {
        HasExpired = true;
        _source.Cancel();
    }
}
