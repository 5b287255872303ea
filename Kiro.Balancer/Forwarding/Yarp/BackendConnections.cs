using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Creates HttpClient's connections to the backends, shared or private to one client.</summary>
/// <param name="timeouts">The connect timeout.</param>
/// <param name="tls">TLS to the backends, and their protocol.</param>
/// <param name="time">The clock.</param>
/// <param name="watch">Closes idle connections.</param>
/// <param name="isTraced">Whether spans are exported. If not, trace context passes through unchanged: an unrecorded span would break the trace.</param>
internal sealed class BackendConnections(Reloadable<ForwardingTimeouts> timeouts, BackendTls tls, TimeProvider time, ConnectionWatch watch, bool isTraced) : IDisposable
{
    private HttpMessageInvoker? _shared;

    /// <summary>The target of a request, in its options.</summary>
    public static HttpRequestOptionsKey<BackendRuntime> Node { get; } = new("Kiro.Node");

    public HttpMessageInvoker Shared => _shared ?? LazyInitializer.EnsureInitialized(ref _shared, () => Create(isShared: true));

    /// <summary>For a single client, with connection-bound authentication.</summary>
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
        // The handler's own timeout would be indistinguishable from a slow response.
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

        node?.Traffic.CountConnect();

        if (!tls.Options.IsHttp2)
        {
            return new BackendStream(stream, socket, isShared, node, watch);
        }

        BackendSocket.LimitUnacknowledged(socket);
        return isTls ? new HttpsSchemeStream(stream) : stream;
    }
}

/// <summary>
/// Prevents <see cref="SocketsHttpHandler"/> from retrying on its own. It does so for any method when a connection ends without a response and the
/// request has no content, or content that waits for "100 Continue". Empty content prevents the former, <see cref="EncodingOf"/> the latter.
/// </summary>
internal sealed class SendOnceHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly HttpRequestOptionsKey<bool> WasSent = new("Kiro.WasSent");

    /// <summary>The encoding of a field. The handler asks for it whenever it writes a head: the only place to stop it from
    /// sending one twice.</summary>
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
            request.Content = new FlushingContent(body, request.Options.TryGetValue(ExchangeTimeout.Key, out var clock) ? clock : null);
        }

        return base.SendAsync(request, cancellationToken);
    }
}

/// <summary>Propagates the balancer's span to the backend (W3C Trace Context). The client's baggage passes through unchanged.</summary>
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
