using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>
/// Where the process that serves a port is found by the one that wants to take it over: a local socket without a file, named
/// after the port (unix(7), abstract sockets). It belongs to the network, as the port does, so containers on their host's
/// network meet, and nothing is left behind. Only processes of the same user, or root, are talked to.
/// </summary>
internal static class ControlSocket
{
    /// <summary>The system's limit is 107.</summary>
    private const int MaxName = 100;

    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int Backlog = 4;

    /// <summary>Whether the system has such sockets.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <exception cref="SocketException">Another process has the name.</exception>
    public static Socket Listen(ListenPort listen)
    {
        var socket = New();
        try
        {
            socket.Bind(Name(listen));
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <returns>Null when nobody is there.</returns>
    public static async Task<Socket?> ConnectAsync(ListenPort listen, CancellationToken cancellationToken)
    {
        var socket = New();
        try
        {
            await socket.ConnectAsync(Name(listen), cancellationToken);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>The process at the other end; null when it is another user's.</summary>
    public static int? PeerOf(Socket socket)
    {
        // struct ucred: process, user, group.
        Span<byte> credentials = stackalloc byte[3 * sizeof(int)];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        var user = BitConverter.ToUInt32(credentials[sizeof(int)..]);
        return user == 0 || user == DescriptorMessage.EffectiveUser() ? BitConverter.ToInt32(credentials) : null;
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private static UnixDomainSocketEndPoint Name(ListenPort listen)
    {
        var where = listen.Addresses.Count == 0 ? "*" : string.Join(',', listen.Addresses.Select(address => address.ToString()).Order(StringComparer.Ordinal));
        var name = $"kiro-balancer/{listen.Port}/{where}";
        return new UnixDomainSocketEndPoint("\0" + (name.Length <= MaxName ? name : Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(name)))));
    }
}
