using System.Runtime.InteropServices;

namespace Kiro.Balancer.Front.Native;

/// <summary>Events of a descriptor, and options for watching it.</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    Readable = 0x1,
    Writable = 0x4,

    /// <summary>The connection has failed.</summary>
    Error = 0x8,

    /// <summary>Both directions are closed.</summary>
    HangUp = 0x10,

    /// <summary>The peer has shut down its writing side.</summary>
    ReadHangUp = 0x2000,

    /// <summary>Of several waiting loops, one is woken.</summary>
    Exclusive = 0x10000000,

    /// <summary>Reported once per change.</summary>
    EdgeTriggered = 0x80000000,
}

/// <summary>
/// Waits for events on many descriptors. Each is registered with a 64-bit key, which is returned with its events.
/// </summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int Add = 1;
    private const int Delete = 2;

    // struct epoll_event: 32 bits of events, 64 bits of data; packed on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + sizeof(ulong);

    private readonly int _descriptor;
    private readonly int _capacity;
    private byte* _events;
    private bool _isDisposed;

    /// <param name="capacity">The most events that one wait returns.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Out of descriptors.</exception>
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

    /// <summary>Starts watching a descriptor, until it is closed.</summary>
    /// <returns>False when the system refuses.</returns>
    public bool TryAdd(int descriptor, EpollEvents events, ulong key)
    {
        var change = stackalloc byte[16];
        *(uint*)change = (uint)events;
        *(ulong*)(change + DataOffset) = key;
        return Libc.EpollControl(_descriptor, Add, descriptor, change) == 0;
    }

    /// <summary>Stops watching a descriptor that stays open.</summary>
    public void Remove(int descriptor)
    {
        var change = stackalloc byte[16];
        _ = Libc.EpollControl(_descriptor, Delete, descriptor, change);
    }

    /// <summary>Waits for events.</summary>
    /// <param name="milliseconds">The timeout; -1 for none.</param>
    /// <returns>The number of events; 0 on a timeout.</returns>
    public int Wait(int milliseconds)
    {
        var count = Libc.EpollWait(_descriptor, _events, _capacity, milliseconds);
        return count >= 0 || Errno.Last == Errno.Interrupted ? Math.Max(0, count) : throw Errno.ToException(Errno.Last);
    }

    /// <summary>An event of the last wait.</summary>
    public (EpollEvents Events, ulong Key) this[int index]
    {
        get
        {
            var entry = _events + index * EventSize;
            return ((EpollEvents)(*(uint*)entry), *(ulong*)(entry + DataOffset));
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

/// <summary>Wakes a loop from another thread (eventfd).</summary>
internal sealed unsafe class EventFd : IDisposable
{
    private readonly Lock _closing = new();
    private bool _isClosed;

    /// <exception cref="System.Net.Sockets.SocketException">Out of descriptors.</exception>
    public EventFd()
    {
        Descriptor = Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking);
        if (Descriptor < 0)
        {
            throw Errno.ToException(Errno.Last);
        }
    }

    public int Descriptor { get; }

    /// <summary>Thread-safe, and harmless after the end.</summary>
    public void Set()
    {
        // After the close, the number may belong to another file.
        lock (_closing)
        {
            if (!_isClosed)
            {
                ulong one = 1;
                _ = Libc.Write(Descriptor, (byte*)&one, sizeof(ulong));
            }
        }
    }

    /// <summary>Resets all wake-ups so far.</summary>
    public void Clear()
    {
        ulong count;
        _ = Libc.Read(Descriptor, (byte*)&count, sizeof(ulong));
    }

    public void Dispose()
    {
        lock (_closing)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _ = Libc.Close(Descriptor);
            }
        }
    }
}
