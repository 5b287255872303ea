using System.Net;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Native;

/// <summary>A non-blocking socket, and the only owner of its descriptor: closes or detaches it once. Not thread-safe.</summary>
internal sealed unsafe class FrontSocket
{
    private const int Stream = 1;
    private const int SocketLevel = 1;
    private const int TcpLevel = 6;
    private const int NoDelay = 1;
    private const int ErrorOption = 4;
    private const int LingerOption = 13;
    private const int WritingSide = 1;
    private const int OutputQueue = 0x5411;

    private static int _open;

    private FrontSocket(int descriptor)
    {
        Descriptor = descriptor;
        Interlocked.Increment(ref _open);
    }

    /// <summary>Open sockets in this process.</summary>
    public static int OpenCount => Volatile.Read(ref _open);

    /// <summary>-1 once closed or detached.</summary>
    public int Descriptor { get; private set; }

    /// <summary>Takes ownership of an accepted descriptor.</summary>
    public static FrontSocket Adopt(int descriptor)
    {
        var socket = new FrontSocket(descriptor);
        socket.SetNoDelay();
        return socket;
    }

    /// <summary>Starts a connect.</summary>
    /// <param name="endpoint">The address.</param>
    /// <param name="error">0 when connected, <see cref="Errno.InProgress"/>, or why it failed.</param>
    /// <returns>Null on an error.</returns>
    public static FrontSocket? Connect(IPEndPoint endpoint, out int error)
    {
        Span<byte> name = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.Write(endpoint, name);
        var descriptor = Libc.Socket(
            BitConverter.ToUInt16(name), Stream | Libc.NonBlocking | Libc.CloseOnExec, protocol: 0);
        if (descriptor < 0)
        {
            error = Errno.Last;
            return null;
        }

        var socket = Adopt(descriptor);
        if (DescriptorLimit.IsReserved(descriptor))
        {
            socket.Close();
            error = Errno.TooManyInProcess;
            return null;
        }

        fixed (byte* address = name)
        {
            error = Libc.Connect(descriptor, address, length) == 0 ? 0 : Errno.Last;
        }

        if (error is 0 or Errno.InProgress)
        {
            return socket;
        }

        socket.Close();
        return null;
    }

    /// <summary>The result of a connect, once the socket is writable: 0 or an error.</summary>
    public int ConnectError()
    {
        int error = 0, length = sizeof(int);
        return Libc.GetOption(Descriptor, SocketLevel, ErrorOption, &error, &length) == 0 ? error : Errno.Last;
    }

    /// <returns>The number of bytes; 0 on FIN; -1 with <see cref="Errno.Last"/>.</returns>
    public int Receive(Span<byte> room)
    {
        fixed (byte* bytes = room)
        {
            return (int)Libc.Receive(Descriptor, bytes, room.Length, 0);
        }
    }

    /// <summary>Whether a receive would return something: data, FIN or an error.</summary>
    public bool HasInput()
    {
        byte one;
        return Libc.Receive(Descriptor, &one, 1, Libc.Peek) >= 0 || Errno.Last != Errno.WouldBlock;
    }

    /// <returns>The number of bytes accepted by the kernel; -1 with <see cref="Errno.Last"/>.</returns>
    public int Send(ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data)
        {
            return (int)Libc.Send(Descriptor, bytes, data.Length, Libc.NoSignal);
        }
    }

    /// <summary>Bytes sent that the peer has not acknowledged (tcp(7), SIOCOUTQ); 0 also when the kernel does not say.</summary>
    public int Unacknowledged()
    {
        var left = 0;
        return Libc.Control(Descriptor, OutputQueue, &left) == 0 ? left : 0;
    }

    /// <summary>Sends FIN.</summary>
    public void ShutdownWrite() => _ = Libc.Shutdown(Descriptor, WritingSide);

    public void Close()
    {
        if (Detach() is >= 0 and var descriptor)
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        if (Descriptor >= 0)
        {
            var linger = stackalloc int[] { 1, 0 };
            _ = Libc.SetOption(Descriptor, SocketLevel, LingerOption, linger, 2 * sizeof(int));
            Close();
        }
    }

    /// <summary>Gives up ownership: the caller closes the descriptor.</summary>
    public int Detach()
    {
        var descriptor = Descriptor;
        if (descriptor >= 0)
        {
            Descriptor = -1;
            Interlocked.Decrement(ref _open);
        }

        return descriptor;
    }

    private void SetNoDelay()
    {
        var on = 1;
        _ = Libc.SetOption(Descriptor, TcpLevel, NoDelay, &on, sizeof(int));
    }
}
