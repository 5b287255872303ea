using System.Net;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Native;

/// <summary>
/// A connection's descriptor, and its only owner: it is closed once, or given away once. Nothing here waits. Used by one
/// thread at a time.
/// </summary>
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

    /// <summary>All that are open in this process.</summary>
    public static int Open => Volatile.Read(ref _open);

    /// <summary>-1 when it is closed or given away.</summary>
    public int Descriptor { get; private set; }

    /// <summary>Takes over a descriptor that was accepted.</summary>
    public static FrontSocket Own(int descriptor)
    {
        var socket = new FrontSocket(descriptor);
        socket.SetNoDelay();
        return socket;
    }

    /// <summary>Begins to connect.</summary>
    /// <param name="endpoint">Where to.</param>
    /// <param name="error">0 when it is connected, <see cref="Errno.InProgress"/>, or why it cannot be.</param>
    /// <returns>Null when there is an error.</returns>
    public static FrontSocket? Connect(IPEndPoint endpoint, out int error)
    {
        Span<byte> name = stackalloc byte[SocketName.MaxLength];
        var length = SocketName.Write(endpoint, name);
        var descriptor = Libc.Socket(
            BitConverter.ToUInt16(name), Stream | Libc.NonBlocking | Libc.CloseOnExec, protocol: 0);
        if (descriptor < 0)
        {
            error = Errno.Last;
            return null;
        }

        var socket = Own(descriptor);
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

    /// <summary>How a connect ended, once the socket is writable: 0 or an error.</summary>
    public int ConnectError()
    {
        int error = 0, length = sizeof(int);
        return Libc.GetOption(Descriptor, SocketLevel, ErrorOption, &error, &length) == 0 ? error : Errno.Last;
    }

    /// <summary>Receives what is there.</summary>
    /// <returns>0 at the end, -1 with <see cref="Errno.Last"/> when there is nothing or the connection is lost.</returns>
    public int Receive(Span<byte> room)
    {
        fixed (byte* bytes = room)
        {
            return (int)Libc.Receive(Descriptor, bytes, room.Length, 0);
        }
    }

    /// <summary>Whether the other end has sent something, or closed.</summary>
    public bool HasInput()
    {
        byte one;
        return Libc.Receive(Descriptor, &one, 1, Libc.Peek) >= 0 || Errno.Last != Errno.WouldBlock;
    }

    /// <summary>Sends as much as the kernel takes now.</summary>
    /// <returns>-1 with <see cref="Errno.Last"/> when it takes nothing or the connection is lost.</returns>
    public int Send(ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data)
        {
            return (int)Libc.Send(Descriptor, bytes, data.Length, Libc.NoSignal);
        }
    }

    /// <summary>Whether the other end's system has all that was sent (tcp(7), SIOCOUTQ).</summary>
    public bool HasArrived()
    {
        var left = 0;
        return Libc.Control(Descriptor, OutputQueue, &left) == 0 && left == 0;
    }

    /// <summary>Says that nothing more comes from this end.</summary>
    public void EndWriting() => _ = Libc.Shutdown(Descriptor, WritingSide);

    public void Close()
    {
        if (Release() is >= 0 and var descriptor)
        {
            _ = Libc.Close(descriptor);
        }
    }

    /// <summary>Closes it so that the other end sees a torn connection, not an end.</summary>
    public void Reset()
    {
        if (Descriptor >= 0)
        {
            var linger = stackalloc int[] { 1, 0 };
            _ = Libc.SetOption(Descriptor, SocketLevel, LingerOption, linger, 2 * sizeof(int));
            Close();
        }
    }

    /// <summary>Gives the descriptor away; whoever gets it closes it.</summary>
    public int Release()
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
