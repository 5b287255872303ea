using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>Passes descriptors between processes over a Unix domain socket (unix(7), SCM_RIGHTS). The receiver gets its own descriptors of the
/// same sockets, with the same accept queues.</summary>
internal static unsafe partial class DescriptorMessage
{
    /// <summary>Per message; the system allows 253.</summary>
    public const int MaxDescriptors = 64;

    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int CloseOnExec = 0x40000000;
    private const int SetDescriptorFlags = 2;

    /// <summary>Level and type in a control message header, after its length.</summary>
    private const int HeaderInts = 2;

    private static int HeaderLength => sizeof(nint) + HeaderInts * sizeof(int);

    /// <summary>Sends a few bytes with descriptors attached.</summary>
    /// <exception cref="SocketException">The peer is gone or does not read.</exception>
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

            // So few bytes are sent completely or not at all.
            if (SendMessage((int)socket.Handle, &message, DoNotWait | NoSignal) != bytes.Length)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }
        }
    }

    /// <summary>Receives what <see cref="Send"/> sent. The socket must be readable.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="bytes">Receives the bytes.</param>
    /// <param name="descriptors">Receives the descriptors, which are close-on-exec.</param>
    /// <returns>The number of bytes; 0 at the end of the stream.</returns>
    /// <exception cref="SocketException">The connection was lost.</exception>
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

    /// <summary>Clears FD_CLOEXEC. That tells .NET that the socket may be shared: otherwise disposing it would stop the listening of all processes
    /// (SafeSocketHandle.TryUnblockSocket).</summary>
    public static void Share(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Control((int)socket.Handle, SetDescriptorFlags, 0);
        }
    }

    /// <summary>The effective user id.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Closes a descriptor that has no other owner.</summary>
    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(int socket, Message* message, int flags);

    // The third argument is variadic in C, but passed alike on all Linux platforms of .NET.
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
