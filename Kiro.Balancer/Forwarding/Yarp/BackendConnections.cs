using System.Diagnostics;
using System.Net;
using System.Text;
using Kiro.Balancer.Forwarding.Sending;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>The connections to all nodes, kept alive and shared by all requests.</summary>
internal static class BackendConnections
{
    /// <param name="time">For the time that a connection may take.</param>
    /// <param name="isTraced">Whether the balancer's spans go anywhere. When not, it stays out of its clients' traces:
    /// a span of its own that nobody records would cut them in two.</param>
    public static HttpMessageInvoker Create(TimeProvider time, bool isTraced) => new(new SendOnceHandler(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,
        PooledConnectionIdleTimeout = BackendSocket.IdleTimeout,
        RequestHeaderEncodingSelector = SendOnceHandler.EncodingOf,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ActivityHeadersPropagator = isTraced ? new ReverseProxyPropagator(DistributedContextPropagator.Current) : null,
        // The handler's own timeout looks like a slow answer; this one is a failed connection.
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        ConnectCallback = async (context, cancellationToken) =>
            new BackendStream(await BackendSocket.ConnectAsync(context.DnsEndPoint, time, cancellationToken)),
    }));
}
