using System.Net.Sockets;
using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Cluster.Nodes;

/// <summary>Checks every port before anything is started, to avoid starting half a cluster.</summary>
internal static class PortCheck
{
    /// <exception cref="InvalidSettingsException">One line per unavailable port.</exception>
    public static void ThrowIfBusy(IEnumerable<Node> nodes)
    {
        var problems = nodes.Select(Problem).OfType<string>().ToArray();
        if (problems.Length > 0)
        {
            throw new InvalidSettingsException(problems);
        }
    }

    private static string? Problem(Node node)
    {
        try
        {
            Listen(node.Port);
            return null;
        }
        catch (SocketException problem)
        {
            return $"{node.PortVariable}: port {node.Port} (for {node.Name}) " +
                (problem.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? "is in use by another process."
                    : $"cannot be opened: {problem.Message}.");
        }
    }

    // Like Kestrel's ListenAnyIP: a dual-stack socket, or IPv4 if IPv6 is not available.
    private static void Listen(int port)
    {
        using var socket = Socket.OSSupportsIPv6
            ? new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
        socket.Listen();
    }
}
