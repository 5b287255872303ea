using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Opens TCP connections to backends.</summary>
internal static class BackendSocket
{
    /// <summary>Shorter than the keep-alive timeouts of servers (Kestrel 130 s, nginx 75 s), so that the balancer closes first.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);

    /// <exception cref="SocketException">The connection was refused or failed.</exception>
    /// <exception cref="TimeoutException">It was not established in time.</exception>
    public static async ValueTask<Socket> ConnectAsync(
        DnsEndPoint endpoint, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(endpoint, either.Token);
            // Not earlier: once its handle was exposed, a socket cannot try several addresses.
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

    /// <summary>Sets TCP_USER_TIMEOUT (tcp(7), Linux only) to 30 s: many requests share an HTTP/2 connection, and would go on using one to a dead
    /// machine for a quarter of an hour.</summary>
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
