using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Opens connections to nodes.</summary>
internal static class BackendSocket
{
    /// <summary>Below what servers keep idle connections (Kestrel 130 s, nginx 75 s), so that we close first.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);

    /// <exception cref="SocketException">It was refused, or cannot be made.</exception>
    /// <exception cref="TimeoutException">It was not accepted in time.</exception>
    public static async ValueTask<Socket> ConnectAsync(
        DnsEndPoint endpoint, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(endpoint, either.Token);
            // Not before: a socket whose handle was looked at cannot try one address after the other.
            return DescriptorLimit.IsReserved(socket.Handle) ? throw new SocketException((int)SocketError.TooManyOpenSockets) : socket;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new TimeoutException($"{endpoint.Host}:{endpoint.Port} did not accept a connection within {limit.TotalSeconds:0.#} s");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Has a connection end once the node's system has not acknowledged for half a minute what was sent: many requests
    /// share one of HTTP/2, and without this they would go on to a machine that is gone for a quarter of an hour. Linux
    /// alone has it (tcp(7), TCP_USER_TIMEOUT).</summary>
    public static void LimitUnacknowledged(Socket socket)
    {
        const int Tcp = 6;
        const int UserTimeout = 18;
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(Tcp, UserTimeout, BitConverter.GetBytes(30_000));
        }
    }
}
