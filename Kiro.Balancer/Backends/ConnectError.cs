using System.Net.Sockets;

namespace Kiro.Balancer.Backends;

/// <summary>What a failed attempt to connect says, and about whom.</summary>
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
                return new ConnectError(tls.Message, tls.IsSlow ? ConnectFault.Unaccepted : ConnectFault.Node);
            }

            if (cause is ClosedWhileIdleException closed)
            {
                return new ConnectError(closed.Message, ConnectFault.Nobody);
            }

            if (cause is TimeoutException)
            {
                return new ConnectError("connection timed out", ConnectFault.Unaccepted);
            }
        }

        return new ConnectError(failure.Message, ConnectFault.Node);
    }

    private static ConnectError From(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new("connection refused", ConnectFault.Node),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => new("host unreachable", ConnectFault.Node),
        SocketError.TimedOut => new("connection timed out", ConnectFault.Unaccepted),
        SocketError.HostNotFound or SocketError.NoData => new("name not found", ConnectFault.Node),
        SocketError.TryAgain => new("no name server responds", ConnectFault.NameServer),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable =>
            new($"the balancer itself is short of connections ({socket.Message})", ConnectFault.Balancer),
        _ => new(socket.Message, ConnectFault.Node),
    };
}

/// <summary>Whose fault it is that there is no connection.</summary>
internal enum ConnectFault
{
    /// <summary>Nobody listens there, or nobody who can be trusted.</summary>
    Node,

    /// <summary>Nobody accepts: the node is gone, or its listen queue is full.</summary>
    Unaccepted,

    /// <summary>The name could not be looked up just now; the node may be well.</summary>
    NameServer,

    /// <summary>There is none just now, or not in this way; the node may be well, and another one may be reached.</summary>
    Nobody,

    /// <summary>This process has no sockets or ports left; that says nothing about any node.</summary>
    Balancer,
}

/// <summary>A kept connection was given up at the very moment when a request was to go over it: nothing of that was sent.</summary>
internal sealed class ClosedWhileIdleException() : IOException("the connection was closed while it was idle");
