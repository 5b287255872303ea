using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>What two processes say to each other when one takes over from the other: messages, each its length and then so many
/// bytes, and descriptors with some of them.</summary>
internal sealed class TakeoverChannel(Socket socket) : IDisposable
{
    /// <summary>In bytes.</summary>
    private const int MaxMessage = BalancerState.MaxBytes;

    public async Task SendAsync(ReadOnlyMemory<byte> message, int[] descriptors, CancellationToken cancellationToken)
    {
        if (descriptors.Length > 0)
        {
            SendLength(message.Length, descriptors);
        }
        else
        {
            // There may be no room for it just now.
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, message.Length);
            await SendAllAsync(length, cancellationToken);
        }

        await SendAllAsync(message, cancellationToken);
    }

    /// <param name="descriptors">Gets those that come with it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null at the end of the connection.</returns>
    /// <exception cref="SocketException">The connection is lost.</exception>
    public async Task<byte[]?> ReceiveAsync(List<int> descriptors, CancellationToken cancellationToken)
    {
        // Waits until there is something, and takes nothing.
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
        var length = ReceiveLength(descriptors);
        if (length is < 0 or > MaxMessage)
        {
            return null;
        }

        var message = new byte[length];
        for (var received = 0; received < length;)
        {
            var more = await socket.ReceiveAsync(message.AsMemory(received), SocketFlags.None, cancellationToken);
            if (more == 0)
            {
                return null;
            }

            received += more;
        }

        return message;
    }

    public void Dispose() => socket.Dispose();

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    private void SendLength(int length, int[] descriptors)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        DescriptorMessage.Send(socket, bytes, descriptors);
    }

    private int ReceiveLength(List<int> descriptors)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        return DescriptorMessage.Receive(socket, bytes, descriptors) == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : -1;
    }
}

/// <summary>What a process hands to the one that takes over from it, beside its sockets.</summary>
internal interface IHandoverData
{
    /// <summary>All of it, or what is new.</summary>
    /// <param name="since">Only what came so long ago at most; null for everything.</param>
    /// <returns>Parts, each small enough for a message and none of them empty.</returns>
    IEnumerable<byte[]> Parts(TimeSpan? since);

    /// <summary>Takes a part that the older process handed over.</summary>
    /// <exception cref="FormatException">It cannot be understood.</exception>
    void Take(byte[] part);
}

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
