using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>Sends and receives open files over a local socket (unix(7), SCM_RIGHTS): the other process gets descriptors of its
/// own for the same sockets, with the same queues.</summary>
internal static unsafe partial class DescriptorMessage
{
    /// <summary>In one message; the system takes up to 253.</summary>
    public const int MaxDescriptors = 64;

    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int CloseOnExec = 0x40000000;
    private const int SetDescriptorFlags = 2;

    /// <summary>Level and type of a control message, beside its length.</summary>
    private const int HeaderInts = 2;

    private static int HeaderLength => sizeof(nint) + HeaderInts * sizeof(int);

    /// <summary>Sends a few bytes and descriptors with them.</summary>
    /// <exception cref="SocketException">The other end is gone, or takes nothing.</exception>
    public static void Send(Socket socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[HeaderLength + MaxDescriptors * sizeof(int)];
        var length = HeaderLength + descriptors.Length * sizeof(int);
        *(nint*)control = length;
        ((int*)(control + sizeof(nint)))[0] = SocketLevel;
        ((int*)(control + sizeof(nint)))[1] = Rights;
        descriptors.CopyTo(new Span<int>(control + HeaderLength, descriptors.Length));
        fixed (byte* data = bytes)
        {
            var part = new Part { Start = data, Length = bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1 };
            if (!descriptors.IsEmpty)
            {
                message.Control = control;
                message.ControlLength = length;
            }

            // A few bytes go at once or not at all.
            if (SendMessage((int)socket.Handle, &message, DoNotWait | NoSignal) != bytes.Length)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }
        }
    }

    /// <summary>Receives what <see cref="Send"/> sent. To be called when there is something.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="bytes">Gets the bytes.</param>
    /// <param name="descriptors">Gets the descriptors, which are closed when another program is executed.</param>
    /// <returns>How many bytes; 0 at the end.</returns>
    /// <exception cref="SocketException">The connection is lost.</exception>
    public static int Receive(Socket socket, Span<byte> bytes, List<int> descriptors)
    {
        var control = stackalloc byte[HeaderLength + MaxDescriptors * sizeof(int)];
        fixed (byte* data = bytes)
        {
            var part = new Part { Start = data, Length = bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = HeaderLength + MaxDescriptors * sizeof(int) };
            var received = ReceiveMessage((int)socket.Handle, &message, DoNotWait | CloseOnExec);
            if (received < 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            var header = (int*)(control + sizeof(nint));
            if (message.ControlLength >= HeaderLength && header[0] == SocketLevel && header[1] == Rights)
            {
                descriptors.AddRange(new ReadOnlySpan<int>(control + HeaderLength, (int)(*(nint*)control - HeaderLength) / sizeof(int)));
            }

            return (int)received;
        }
    }

    /// <summary>Leaves a socket open for programs that this one might execute, which it never does. It tells .NET that others
    /// may have the same socket: without it, closing ours would end the listening of all (SafeSocketHandle.TryUnblockSocket).</summary>
    public static void Share(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Control((int)socket.Handle, SetDescriptorFlags, 0);
        }
    }

    /// <summary>The user that this process acts as.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Closes a descriptor that no other type owns.</summary>
    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(int socket, Message* message, int flags);

    // Its third argument is optional in C, and passed alike on the systems that .NET runs Linux on.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command, nint value);

    /// <summary>struct iovec.</summary>
    private struct Part
    {
        public byte* Start;
        public nint Length;
    }

    /// <summary>struct msghdr.</summary>
    private struct Message
    {
        public byte* Name;
        public nint NameLength;
        public Part* Parts;
        public nint PartCount;
        public byte* Control;
        public nint ControlLength;
        public int Flags;
    }
}
