using System.Net.Sockets;

namespace Kiro.Balancer.Backends;

/// <summary>A failed connection attempt, and whose fault it is.</summary>
internal readonly record struct ConnectError(string Problem, ConnectFault Fault)
{
    public static ConnectError From(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return From(socket);
            }

            if (cause is BackendTlsException tls)
            {
                return new ConnectError(tls.Message, tls.IsSlow ? ConnectFault.Timeout : ConnectFault.Node);
            }

            if (cause is ClosedWhileIdleException closed)
            {
                return new ConnectError(closed.Message, ConnectFault.None);
            }

            if (cause is TimeoutException)
            {
                return new ConnectError("connection timed out", ConnectFault.Timeout);
            }
        }

        return new ConnectError(failure.Message, ConnectFault.Node);
    }

    private static ConnectError From(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new("connection refused", ConnectFault.Node),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => new("host unreachable", ConnectFault.Node),
        SocketError.TimedOut => new("connection timed out", ConnectFault.Timeout),
        SocketError.HostNotFound or SocketError.NoData => new("name not found", ConnectFault.Node),
        SocketError.TryAgain => new("no name server responds", ConnectFault.NameServer),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable =>
            new($"the balancer itself has no sockets or ports left ({socket.Message})", ConnectFault.Balancer),
        _ => new(socket.Message, ConnectFault.Node),
    };
}

/// <summary>Whose fault a failed connection attempt is.</summary>
internal enum ConnectFault
{
    /// <summary>The connection was refused, or the TLS handshake failed.</summary>
    Node,

    /// <summary>Not accepted in time: the backend is gone, or its listen queue is full.</summary>
    Timeout,

    /// <summary>The name could not be resolved at the moment; the backend may be fine.</summary>
    NameServer,

    /// <summary>No connection is available at the moment; the backend may be fine.</summary>
    None,

    /// <summary>This process has no sockets or ports left.</summary>
    Balancer,
}

/// <summary>An idle connection was closed just as a request was about to use it: nothing of the request was sent.</summary>
internal sealed class ClosedWhileIdleException() : IOException("the connection was closed while it was idle");
