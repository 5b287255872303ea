using System.Net;
using System.Text;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>The connections to all nodes, kept alive and shared by all requests or by those of one client.</summary>
/// <param name="timeouts">How long a connection may take.</param>
/// <param name="time">For the time that a connection may take.</param>
/// <param name="isTraced">Whether the balancer's spans go anywhere. When not, it stays out of its clients' traces:
/// a span of its own that nobody records would cut them in two.</param>
internal sealed class BackendConnections(ForwardingTimeouts timeouts, TimeProvider time, bool isTraced) : IDisposable
{
    /// <summary>Those that all clients share.</summary>
    public HttpMessageInvoker Shared { get; } = Create(timeouts, time, isTraced, isShared: true);

    /// <summary>Makes some for one client alone.</summary>
    public HttpMessageInvoker CreatePrivate() => Create(timeouts, time, isTraced, isShared: false);

    public void Dispose() => Shared.Dispose();

    private static HttpMessageInvoker Create(
        ForwardingTimeouts timeouts, TimeProvider time, bool isTraced, bool isShared) => new(new SendOnceHandler(new SocketsHttpHandler
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
        ConnectCallback = async (context, cancellationToken) =>
            new BackendStream(await BackendSocket.ConnectAsync(context.DnsEndPoint, timeouts.Connect, time, cancellationToken), isShared),
    }));
}
