using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>
/// The rendezvous of two processes: an abstract Unix domain socket (unix(7)) named after the port. It belongs to the network namespace, as the
/// port does, so containers on the host network meet, and it leaves no file behind. Only processes of the same user, or root, are accepted.
/// </summary>
internal static class ControlSocket
{
    /// <summary>The system allows 107.</summary>
    private const int MaxName = 100;

    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int Backlog = 4;

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

    /// <returns>Null if no process listens.</returns>
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

    /// <summary>The process id of the peer; null if it belongs to another user.</summary>
    public static int? PeerOf(Socket socket)
    {
        // struct ucred: pid, uid, gid.
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
