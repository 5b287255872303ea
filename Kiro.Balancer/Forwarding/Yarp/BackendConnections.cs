using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
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
        return isTls ? new HttpsSchemeStream(stream) : stream;
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
            request.Content = new FlushingContent(body, request.Options.TryGetValue(ExchangeTimeout.Key, out var clock) ? clock : null);
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

/// <summary>
/// HTTP/2 over TLS that was begun below HttpClient, which therefore writes <c>:scheme: http</c>; here that becomes
/// <c>https</c>, as nodes demand (RFC 9113, section 8.3.1). Were HttpClient told, it would open connections of their own for
/// each Host of a request, and nothing would bound these.
/// </summary>
/// <param name="inner">Authenticated.</param>
internal sealed class HttpsSchemeStream(Stream inner) : DelegatingStream(inner)
{
    private const int FrameHead = 9;
    private const byte HeadersFrame = 1;

    // Indexed fields of HPACK's static table (RFC 7541, appendix A, 6 and 7).
    private const byte SchemeHttp = 0x86;
    private const byte SchemeHttps = 0x87;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly byte[] _head = new byte[FrameHead];
    private int _skip = Preface.Length;
    private int _headLength;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // It is HttpClient's own buffer, and filled anew for each write.
        Rewrite(System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer).Span);
        return Inner.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Follows the frames (RFC 9113, section 4.1), and puts the scheme right where a block of fields begins.</summary>
    private void Rewrite(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var skipped = Math.Min(_skip, bytes.Length);
            bytes = bytes[skipped..];
            _skip -= skipped;
            if (bytes.IsEmpty)
            {
                return;
            }

            var taken = Math.Min(FrameHead - _headLength, bytes.Length);
            bytes[..taken].CopyTo(_head.AsSpan(_headLength));
            bytes = bytes[taken..];
            _headLength += taken;
            if (_headLength < FrameHead)
            {
                return;
            }

            _headLength = 0;
            _skip = (int)(BinaryPrimitives.ReadUInt32BigEndian(_head) >> 8);
            if (_head[3] == HeadersFrame)
            {
                RewriteScheme(bytes[..Math.Min(_skip, bytes.Length)]);
            }
        }
    }

    // Requests have the scheme among their first fields, and HttpClient neither pads them nor ranks them.
    private static void RewriteScheme(Span<byte> fields)
    {
        for (var place = 0; place < fields.Length;)
        {
            var first = fields[place];
            if (first == SchemeHttp)
            {
                fields[place] = SchemeHttps;
                return;
            }

            place++;
            if ((first & 0x80) != 0)
            {
                continue;
            }

            // A literal: its name is indexed, or written out, and its value is written out (RFC 7541, section 6.2).
            if ((first & ((first & 0x40) != 0 ? 0x3F : 0x0F)) == 0)
            {
                place = BehindString(fields, place);
            }

            place = BehindString(fields, place);
        }
    }

    // RFC 7541, section 5.2; none of the fields before the scheme has 127 bytes.
    private static int BehindString(ReadOnlySpan<byte> fields, int place) => place < fields.Length ? place + 1 + (fields[place] & 0x7F) : place;
}
