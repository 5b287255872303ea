using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Kiro.SideBySide.Load;

/// <summary>
/// Linux's epoll(7). One thread serves all connections, as in wrk: the load generator must be cheaper than what it
/// measures, and a task per request would be more expensive.
/// </summary>
internal sealed partial class Epoll : IDisposable
{
    private const int MostEvents = 256;
    private const int CloseOnExec = 0x80000;
    private const int AddOperation = 1;
    private const int ModifyOperation = 3;
    private const uint Readable = 1;
    private const uint Writable = 4;
    private const int TimerSlack = 29;

    // The kernel packs the structure only on x86-64.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _handle = Checked(epoll_create1(CloseOnExec));
    private readonly byte[] _events = new byte[MostEvents * EventSize];

    /// <summary>The id of the connection of event <paramref name="index"/> of the last wait.</summary>
    public int this[int index] => BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(((index + 1) * EventSize) - 8));

    /// <summary>Sets the timer slack of this thread to the minimum instead of 50 µs.</summary>
    public static void WakeOnTime() => Checked(prctl(TimerSlack, 1, 0, 0, 0));

    public void Add(Socket socket, int id) => Control(AddOperation, socket, id, Readable);

    /// <summary>Sets or clears write interest.</summary>
    public void AwaitRoom(Socket socket, int id, bool wanted) =>
        Control(ModifyOperation, socket, id, wanted ? Readable | Writable : Readable);

    /// <returns>The number of connections that are readable or writable; 0 on timeout.</returns>
    public int Wait(TimeSpan most)
    {
        var ticks = Math.Max(0, most.Ticks);
        var timeout = new Timeout(ticks / TimeSpan.TicksPerSecond, ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick);
        var count = epoll_pwait2(_handle, _events, MostEvents, timeout, 0);
        return count >= 0 || Marshal.GetLastPInvokeError() == 4 ? Math.Max(0, count) : Checked(count);
    }

    public void Dispose() => _ = close(_handle);

    private void Control(int operation, Socket socket, int id, uint interest)
    {
        Span<byte> wanted = stackalloc byte[EventSize];
        wanted.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(wanted, interest);
        BinaryPrimitives.WriteInt32LittleEndian(wanted[(EventSize - 8)..], id);
        Checked(epoll_ctl(_handle, operation, (int)socket.Handle, wanted));
    }

    private static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int handle, int operation, int socket, Span<byte> wanted);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_pwait2(int handle, [Out] byte[] events, int most, in Timeout timeout, nint signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint value, nuint second, nuint third, nuint fourth);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int handle);

    private readonly record struct Timeout(long Seconds, long Nanoseconds);
}
