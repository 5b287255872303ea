using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Front.Native;

/// <summary>A listening socket. Loops may share it: each accepts on its own thread.</summary>
internal sealed unsafe class FrontListenSocket : IDisposable
{
    private const int Stream = 1;
    private const int Backlog = 4096;
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2;
    private const int IPv6Level = 41;
    private const int IPv6Only = 26;

    private int _isClosed;

    /// <exception cref="SocketException">The port is in use, or not permitted.</exception>
    public FrontListenSocket(IPEndPoint endpoint)
    {
        Span<byte> name = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.Write(endpoint, name);
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
                // Dual-stack for [::], as in Kestrel.
                Set(IPv6Level, IPv6Only, endpoint.Address.Equals(IPAddress.IPv6Any) ? 0 : 1);
            }

            fixed (byte* address = name)
            {
                Check(Libc.Bind(Descriptor, address, length));
                Check(Libc.Listen(Descriptor, Backlog));
                length = SockAddr.MaxLength;
                Check(Libc.GetSocketName(Descriptor, address, &length));
            }

            EndPoint = SockAddr.Read(name);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Adopts a socket that was opened before this process and is listening already.</summary>
    /// <param name="descriptor">Owned from now on.</param>
    /// <exception cref="SocketException">Not a socket.</exception>
    public FrontListenSocket(int descriptor)
    {
        Descriptor = descriptor;
        Span<byte> name = stackalloc byte[SockAddr.MaxLength];
        fixed (byte* address = name)
        {
            var length = SockAddr.MaxLength;
            Check(Libc.GetSocketName(Descriptor, address, &length));
        }

        EndPoint = SockAddr.Read(name);
        // FIONBIO applies to the open socket, which other processes may share: they must cope with it.
        var one = 1;
        Check(Libc.Control(Descriptor, Libc.SetNonBlocking, &one));
    }

    public int Descriptor { get; }

    /// <summary>The bound address, with the actual port.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Accepts a pending connection.</summary>
    /// <param name="peer">Receives the peer's address: at least <see cref="SockAddr.MaxLength"/> bytes.</param>
    /// <returns>The descriptor, or -1 with <see cref="Errno.Last"/>.</returns>
    public int Accept(Span<byte> peer)
    {
        var length = SockAddr.MaxLength;
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

/// <summary>An address and port in the kernel's form (struct sockaddr_in, sockaddr_in6).</summary>
internal readonly struct SockAddr
{
    /// <summary>Enough for either family, in bytes.</summary>
    public const int MaxLength = 28;

    public const int IPv4Family = 2;
    public const int IPv6Family = 10;
    private const int IPv4Length = 16;

    /// <returns>The length.</returns>
    public static int Write(IPEndPoint endpoint, Span<byte> name)
    {
        name[..MaxLength].Clear();
        var isIPv4 = endpoint.AddressFamily == AddressFamily.InterNetwork;
        BitConverter.TryWriteBytes(name, (ushort)(isIPv4 ? IPv4Family : IPv6Family));
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], (ushort)endpoint.Port);
        if (isIPv4)
        {
            endpoint.Address.TryWriteBytes(name[4..], out _);
            return IPv4Length;
        }

        endpoint.Address.TryWriteBytes(name[8..], out _);
        BitConverter.TryWriteBytes(name[24..], (uint)endpoint.Address.ScopeId);
        return MaxLength;
    }

    public static IPEndPoint Read(ReadOnlySpan<byte> name)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(name[2..]);
        return BitConverter.ToUInt16(name) == IPv4Family
            ? new IPEndPoint(new IPAddress(name.Slice(4, 4)), port)
            : new IPEndPoint(new IPAddress(name.Slice(8, 16), BitConverter.ToUInt32(name[24..])), port);
    }
}
