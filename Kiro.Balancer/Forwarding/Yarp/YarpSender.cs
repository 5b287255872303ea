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
        if (request.Buffered is { } kept)
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

        using var clock = new ExchangeTimeout(rules.Timeouts.Exchange, time);
        var transformer = new RequestTransformer(request, attempt, streams, clock);
        using var tunnel = isHandshake ? new TunnelFeature(context, request.Slot, attempt.Backend, streams, time) : null;
        attempt.OnAbandon(clock);
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

/// <summary>What YARP's errors mean to the balancer.</summary>
internal static class YarpFailure
{
    /// <param name="error">What YARP says.</param>
    /// <param name="exception">What it says it with.</param>
    /// <param name="clientIsGone">Whether the client has left.</param>
    public static RequestFailure From(ForwarderError error, Exception? exception, bool clientIsGone) => error switch
    {
        ForwarderError.RequestCreation => RequestFailure.UnsendableRequest,
        ForwarderError.Request when exception is HttpRequestException
            { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            RequestFailure.From(ConnectError.From(exception)),
        ForwarderError.Request or ForwarderError.ResponseHeaders
            when exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded } =>
            RequestFailure.InvalidResponse,
        // A 101 that nobody asked for: YARP finds no way to upgrade the client's connection.
        ForwarderError.UpgradeResponseClient when exception is InvalidOperationException => RequestFailure.InvalidResponse,
        ForwarderError.Request or ForwarderError.RequestBodyDestination => RequestFailure.NoResponse,
        ForwarderError.RequestTimedOut => RequestFailure.ResponseTimeout,
        ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination or ForwarderError.UpgradeResponseDestination
            or ForwarderError.UpgradeRequestDestination or ForwarderError.UpgradeActivityTimeout => RequestFailure.BrokenResponse,
        // Cancelled, and not by the client: the exchange stood still for too long.
        ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled
            when !clientIsGone => RequestFailure.StalledResponse,
        _ => RequestFailure.ClientAborted,
    };
}

/// <summary>Cancels an exchange that has stood still for too long, or whose node is known to hang. YARP has one such clock
/// too, but must be told before the request how long a response's kind may be silent.</summary>
internal sealed class ExchangeTimeout : IAbandonable, IDisposable
{
    // Not disposed: it has no timer, and a node that is being given up may just be firing it.
    private readonly CancellationTokenSource _source = new();
    private readonly ITimer _timer;
    private readonly TimeSpan _limit;
    private bool _isStopped;

    /// <param name="limit">For how long the exchange may stand still.</param>
    /// <param name="time">The clock behind it.</param>
    public ExchangeTimeout(TimeSpan limit, TimeProvider time)
    {
        _limit = limit;
        _timer = time.CreateTimer(static clock => ((ExchangeTimeout)clock!).RunOut(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>For a request's content, which HttpClient sends by itself.</summary>
    public static HttpRequestOptionsKey<ExchangeTimeout> Key { get; } = new("Kiro.ExchangeTimeout");

    public CancellationToken Token => _source.Token;

    /// <summary>No byte has moved for too long.</summary>
    public bool HasRunOut { get; private set; }

    /// <summary>A byte has moved.</summary>
    public void Touch()
    {
        if (!_isStopped)
        {
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>From here on it is YARP's clock that counts.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Abandon() => _source.Cancel();

    public void Dispose() => _timer.Dispose();

    private void RunOut()
    {
        HasRunOut = true;
        _source.Cancel();
    }
}

/// <summary>
/// A request's body on its way to a node. Every piece is sent when it comes: HttpClient would hold back small ones.
/// When the node answers and closes before it has the whole body, the rest goes nowhere and the response counts.
/// </summary>
internal sealed class FlushingContent : HttpContent
{
    private static readonly byte[] Nothing = new byte[64 * 1024];

    private readonly HttpContent _body;

    private readonly ExchangeTimeout? _clock;

    /// <param name="body">What is sent.</param>
    /// <param name="clock">Told of every piece.</param>
    public FlushingContent(HttpContent body, ExchangeTimeout? clock)
    {
        (_body, _clock) = (body, clock);
        foreach (var (name, values) in body.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var prompt = new FlushingStream(stream, _clock);
        await _body.CopyToAsync(prompt, context, cancellationToken);
        if (!prompt.HasResponded)
        {
            return;
        }

        // HttpClient reads no response before it has written as much as was announced. The connection drops it.
        for (var left = (Headers.ContentLength ?? 0) - prompt.Written; left > 0; left -= Nothing.Length)
        {
            await stream.WriteAsync(Nothing.AsMemory(0, (int)Math.Min(left, Nothing.Length)), cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        _body.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Writes a request's body through to the connection, and notes when that one wants no more of it.</summary>
internal sealed class FlushingStream(Stream connection, ExchangeTimeout? clock) : ForwardOnlyStream
{
    private PeriodicYield _turns;

    /// <summary>Bytes that HttpClient was given.</summary>
    public long Written { get; private set; }

    /// <summary>The node's response is there already, and nothing more can be sent.</summary>
    public bool HasResponded { get; private set; }

    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written += buffer.Length;
        try
        {
            await connection.WriteAsync(buffer, cancellationToken);
            await connection.FlushAsync(cancellationToken);
            clock?.Touch();
            await _turns.YieldAsync();
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await connection.FlushAsync(cancellationToken);
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }
}
