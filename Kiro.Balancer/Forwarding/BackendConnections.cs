using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>The connections to all nodes, kept alive and shared by all requests.</summary>
internal static class BackendConnections
{
    /// <summary>Nodes are near: one that has not accepted by then is as good as gone.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Below what servers keep idle connections (Kestrel 130 s, nginx 75 s), so that we close first.</summary>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);

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
        PooledConnectionIdleTimeout = IdleTimeout,
        RequestHeaderEncodingSelector = SendOnceHandler.EncodingOf,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ActivityHeadersPropagator = isTraced ? new ReverseProxyPropagator(DistributedContextPropagator.Current) : null,
        // The handler's own timeout looks like a slow answer; this one is a failed connection.
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, time, cancellationToken),
    }));

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(endpoint, either.Token);
            return new BackendStream(socket);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new TimeoutException($"{endpoint.Host}:{endpoint.Port} did not accept a connection within {ConnectTimeout.TotalSeconds} s");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
