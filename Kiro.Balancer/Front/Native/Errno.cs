using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Kiro.Balancer.Front.Native;

/// <summary>The errors of system calls that the loop tells apart (Linux, all architectures of .NET).</summary>
internal static class Errno
{
    public const int Interrupted = 4;
    public const int WouldBlock = 11;
    public const int TooManyInSystem = 23;
    public const int TooManyInProcess = 24;
    public const int NoBuffers = 105;
    public const int NoMemory = 12;
    public const int NoAddress = 99;
    public const int TimedOut = 110;
    public const int InProgress = 115;

    /// <summary>Of the last system call of this thread.</summary>
    public static int Last => Marshal.GetLastPInvokeError();

    /// <summary>What .NET's own sockets would have thrown.</summary>
    // The constructor takes the system's numbers only on Windows.
    public static SocketException ToException(int error) => new((int)(error switch
    {
        2 or 13 => SocketError.AccessDenied,
        TooManyInSystem or TooManyInProcess => SocketError.TooManyOpenSockets,
        97 => SocketError.AddressFamilyNotSupported,
        98 => SocketError.AddressAlreadyInUse,
        NoAddress => SocketError.AddressNotAvailable,
        100 => SocketError.NetworkDown,
        101 => SocketError.NetworkUnreachable,
        NoBuffers or NoMemory => SocketError.NoBufferSpaceAvailable,
        104 => SocketError.ConnectionReset,
        TimedOut => SocketError.TimedOut,
        111 => SocketError.ConnectionRefused,
        112 => SocketError.HostDown,
        113 => SocketError.HostUnreachable,
        _ => SocketError.SocketError,
    }), Marshal.GetPInvokeErrorMessage(error));
}
