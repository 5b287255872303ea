using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Opens connections to nodes.</summary>
internal static class BackendSocket
{
    /// <summary>Below what servers keep idle connections (Kestrel 130 s, nginx 75 s), so that we close first.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Nodes are near: one that has not accepted by then is as good as gone.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    /// <exception cref="SocketException">It was refused, or cannot be made.</exception>
    /// <exception cref="TimeoutException">It was not accepted in time.</exception>
    public static async ValueTask<Socket> ConnectAsync(DnsEndPoint endpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(endpoint, either.Token);
            return socket;
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
