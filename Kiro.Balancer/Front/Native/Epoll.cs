using System.Runtime.InteropServices;

namespace Kiro.Balancer.Front.Native;

/// <summary>What a descriptor is ready for.</summary>
[Flags]
internal enum Readiness : uint
{
    None = 0,
    Readable = 0x1,
    Writable = 0x4,

    /// <summary>The connection has failed.</summary>
    Error = 0x8,

    /// <summary>Both directions are closed.</summary>
    Closed = 0x10,

    /// <summary>The other end has shut down its writing side.</summary>
    PeerEnded = 0x2000,

    /// <summary>Of several loops that wait for the descriptor, one is woken.</summary>
    Exclusive = 0x10000000,

    /// <summary>Told once, when it changes.</summary>
    EdgeTriggered = 0x80000000,
}

/// <summary>Waits for many descriptors. Each is registered with a key of 64 bits, which comes back with its events.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int Add = 1;
    private const int Remove = 2;

    // struct epoll_event: 32 bits of events, 64 bits of data, packed on x86-64 alone.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + sizeof(ulong);

    private readonly int _descriptor;
    private readonly int _capacity;
    private byte* _events;
    private bool _isDisposed;

    /// <param name="capacity">Events that one wait brings at most.</param>
    /// <exception cref="System.Net.Sockets.SocketException">There are no descriptors left.</exception>
    public Epoll(int capacity)
    {
        _capacity = capacity;
        _descriptor = Libc.EpollCreate(Libc.CloseOnExec);
        if (_descriptor < 0)
        {
            throw Errno.ToException(Errno.Last);
        }

        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * EventSize));
    }

    /// <summary>Begins to watch a descriptor. It ends when the descriptor is closed.</summary>
    /// <returns>False when the system has no room for another one.</returns>
    public bool TryAdd(int descriptor, Readiness events, ulong key)
    {
        var change = stackalloc byte[16];
        *(uint*)change = (uint)events;
        *(ulong*)(change + DataOffset) = key;
        return Libc.EpollControl(_descriptor, Add, descriptor, change) == 0;
    }

    /// <summary>Ends watching a descriptor that stays open.</summary>
    public void Forget(int descriptor)
    {
        var change = stackalloc byte[16];
        _ = Libc.EpollControl(_descriptor, Remove, descriptor, change);
    }

    /// <summary>Waits until a descriptor is ready.</summary>
    /// <param name="milliseconds">How long at most; -1 for ever.</param>
    /// <returns>The number of events, 0 when the time is over.</returns>
    public int Wait(int milliseconds)
    {
        var count = Libc.EpollWait(_descriptor, _events, _capacity, milliseconds);
        return count >= 0 || Errno.Last == Errno.Interrupted ? Math.Max(0, count) : throw Errno.ToException(Errno.Last);
    }

    /// <summary>An event of the last wait.</summary>
    public (Readiness Events, ulong Key) this[int index]
    {
        get
        {
            var place = _events + index * EventSize;
            return ((Readiness)(*(uint*)place), *(ulong*)(place + DataOffset));
        }
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _ = Libc.Close(_descriptor);
            NativeMemory.Free(_events);
            _events = null;
        }
    }
}
