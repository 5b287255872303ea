using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>The connections to all nodes, kept alive and shared by all requests or by those of one client.</summary>
/// <param name="timeouts">How long a connection may take.</param>
/// <param name="tls">For nodes that are spoken to over TLS, and what is spoken to all.</param>
/// <param name="time">For the time that a connection may take.</param>
/// <param name="watch">Looks at the time for them.</param>
/// <param name="isTraced">Whether the balancer's spans go anywhere. When not, it stays out of its clients' traces:
/// a span of its own that nobody records would cut them in two.</param>
internal sealed class BackendConnections(Reloadable<ForwardingTimeouts> timeouts, BackendTls tls, TimeProvider time, ConnectionWatch watch, bool isTraced) : IDisposable
{
    private HttpMessageInvoker? _shared;

    /// <summary>Says in a request's options where it goes.</summary>
    public static HttpRequestOptionsKey<BackendRuntime> Node { get; } = new("Kiro.Node");

    /// <summary>Those that all clients share.</summary>
    public HttpMessageInvoker Shared => _shared ?? LazyInitializer.EnsureInitialized(ref _shared, () => Create(isShared: true));

    /// <summary>Makes some for one client alone.</summary>
    public HttpMessageInvoker CreatePrivate() => Create(isShared: false);

    public void Dispose() => _shared?.Dispose();

    private HttpMessageInvoker Create(bool isShared) => new(new SendOnceHandler(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,
        PooledConnectionIdleTimeout = BackendSocket.IdleTimeout,
        RequestHeaderEncodingSelector = SendOnceHandler.EncodingOf,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ActivityHeadersPropagator = isTraced ? new TraceContextPropagator() : null,
        // The handler's own timeout looks like a slow response; this one is a failed connection.
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, isShared, cancellationToken),
    }));

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, bool isShared, CancellationToken cancellationToken)
    {
        var socket = await BackendSocket.ConnectAsync(context.DnsEndPoint, timeouts.Value.Connect, time, cancellationToken);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        var isTls = context.InitialRequestMessage.Options.TryGetValue(Node, out var node) && node.Backend.IsTls;
        if (isTls)
        {
            stream = await tls.AuthenticateAsync(stream, node!.Backend, timeouts.Value.Connect, cancellationToken);
        }

        node?.Traffic.Connect();

        if (!tls.Options.IsHttp2)
        {
            return new BackendStream(stream, socket, isShared, node, watch);
        }

        BackendSocket.LimitUnacknowledged(socket);
        return isTls ? new SecureSchemeStream(stream) : stream;
    }
}

/// <summary>
/// Keeps <see cref="SocketsHttpHandler"/> from sending a request a second time by itself. It does so, whatever the
/// method, when a connection ends without a response and the request has no content, or has content that still waits
/// for "100 Continue". An empty content stops the first, <see cref="EncodingOf"/> the second.
/// </summary>
internal sealed class SendOnceHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly HttpRequestOptionsKey<bool> WasSent = new("Kiro.WasSent");

    /// <summary>How a field's value is written. The handler asks whenever it writes a head, and that is the one place
    /// where it can be kept from writing the same one again.</summary>
    public static Encoding EncodingOf(string name, HttpRequestMessage request)
    {
        if (name == "Expect" && !RetryPolicy.IsIdempotent(request.Method.Method))
        {
            if (request.Options.TryGetValue(WasSent, out _))
            {
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was lost; the request is not sent again.");
            }

            request.Options.Set(WasSent, true);
        }

        return Encoding.Latin1;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null && request.Method != HttpMethod.Connect && !RetryPolicy.IsIdempotent(request.Method.Method))
        {
            request.Content = new ByteArrayContent([]);
        }
        else if (request.Content is { } body && body.Headers.ContentLength != 0)
        {
            request.Content = new PromptContent(body, request.Options.TryGetValue(ExchangeClock.Key, out var clock) ? clock : null);
        }

        return base.SendAsync(request, cancellationToken);
    }
}

/// <summary>Has the node go on with the balancer's span (W3C Trace Context). What else the client sent for tracing, above all
/// its baggage, is passed on as it came: the balancer adds nothing to it.</summary>
internal sealed class TraceContextPropagator : DistributedContextPropagator
{
    private static readonly DistributedContextPropagator W3c = CreateW3CPropagator();

    public override IReadOnlyCollection<string> Fields { get; } = ["traceparent", "tracestate"];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (carrier is not HttpRequestMessage request || setter is null)
        {
            return;
        }

        W3c.Inject(activity, carrier, (_, name, value) =>
        {
            if (Fields.Contains(name))
            {
                request.Headers.Remove(name);
                setter(carrier, name, value);
            }
        });
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        W3c.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
