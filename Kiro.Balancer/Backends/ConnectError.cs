using System.Net.Sockets;

namespace Kiro.Balancer.Backends;

/// <summary>Says in plain words why a connection could not be opened.</summary>
internal static class ConnectError
{
    public static string Describe(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return socket.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => "connection refused",
                    SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "name not found",
                    SocketError.HostUnreachable or SocketError.NetworkUnreachable => "host unreachable",
                    SocketError.TimedOut => "connection timed out",
                    _ => socket.Message,
                };
            }

            if (cause is TimeoutException)
            {
                return "connection timed out";
            }
        }

        return failure.Message;
    }
}
