using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Front.Native;

/// <summary>A socket that listens. Loops may share it: each accepts on its own thread.</summary>
internal sealed unsafe class FrontListenSocket : IDisposable
{
    private const int Stream = 1;
    private const int Backlog = 4096;
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2;
    private const int IPv6Level = 41;
    private const int IPv6Only = 26;

    private int _isClosed;

    /// <exception cref="SocketException">The port is in use, or not allowed.</exception>
    public FrontListenSocket(IPEndPoint endpoint)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxLength];
        var length = SocketName.Write(endpoint, name);
        Descriptor = Libc.Socket(BitConverter.ToUInt16(name), Stream | Libc.NonBlocking | Libc.CloseOnExec, protocol: 0);
        if (Descriptor < 0)
        {
            throw Errno.ToException(Errno.Last);
        }

        try
        {
            Set(SocketLevel, ReuseAddress, 1);
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // "Any" means IPv4, too, as with Kestrel.
                Set(IPv6Level, IPv6Only, endpoint.Address.Equals(IPAddress.IPv6Any) ? 0 : 1);
            }

            fixed (byte* address = name)
            {
                Check(Libc.Bind(Descriptor, address, length));
                Check(Libc.Listen(Descriptor, Backlog));
                length = SocketName.MaxLength;
                Check(Libc.SocketName(Descriptor, address, &length));
            }

            EndPoint = SocketName.Read(name);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A socket that listens already, which somebody opened before this process.</summary>
    /// <param name="descriptor">This one's from now on.</param>
    /// <exception cref="SocketException">It is no socket.</exception>
    public FrontListenSocket(int descriptor)
    {
        Descriptor = descriptor;
        Span<byte> name = stackalloc byte[SocketName.MaxLength];
        fixed (byte* address = name)
        {
            var length = SocketName.MaxLength;
            Check(Libc.SocketName(Descriptor, address, &length));
        }

        EndPoint = SocketName.Read(name);
        // Of the socket, not of this descriptor: who has it, too, must not mind.
        var one = 1;
        Check(Libc.Control(Descriptor, Libc.SetNonBlocking, &one));
    }

    public int Descriptor { get; }

    /// <summary>Where it listens, with the port that was found when none was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Takes a connection that waits.</summary>
    /// <param name="peer">Gets the other end's name: room for <see cref="SocketName.MaxLength"/> bytes.</param>
    /// <returns>-1 with <see cref="Errno.Last"/> when there is none, or no room for one.</returns>
    public int Accept(Span<byte> peer)
    {
        var length = SocketName.MaxLength;
        fixed (byte* address = peer)
        {
            return Libc.Accept(Descriptor, address, &length, Libc.NonBlocking | Libc.CloseOnExec);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            _ = Libc.Close(Descriptor);
        }
    }

    private void Set(int level, int name, int value) => Check(Libc.SetOption(Descriptor, level, name, &value, sizeof(int)));

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw Errno.ToException(Errno.Last);
        }
    }
}
