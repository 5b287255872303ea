using System.Collections.Concurrent;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// One thread that waits for many connections and does whatever they are ready for, never waiting for a single one.
/// Everything that belongs to it is touched by this thread alone; others reach it by <see cref="Post"/>.
/// </summary>
internal sealed partial class FrontLoop : IDisposable
{
    /// <summary>What one receive brings at most, in bytes.</summary>
    public const int ReceiveSize = 128 * 1024;

    /// <summary>Room before what is received, for the new head or the size of a chunk, in bytes.</summary>
    public const int Lead = 8 * 1024;

    private const int EventsAtOnce = 512;
    private const ulong WakeKey = ulong.MaxValue;
    private const ulong ListenerKey = ulong.MaxValue - 1;

    // On a clock that is not the system's, nobody knows how long to wait.
    private static readonly TimeSpan StrangeClockPeriod = TimeSpan.FromMilliseconds(500);

    private readonly Epoll _epoll = new(EventsAtOnce);
    private readonly WakeDescriptor _wake = new();
    private readonly ConcurrentQueue<(Action<object?> Work, object? State)> _posted = new();
    private readonly TimerWheel _wheel = new();
    private readonly TimeProvider _time;
    private readonly ITimer? _strangeClock;
    private readonly ILogger _logger;
    private readonly long _start;
    private readonly Thread _thread;
    private List<FrontConnection> _turns = [];
    private List<FrontConnection> _turnsNow = [];
    private FrontConnection?[] _connections = new FrontConnection?[1024];
    private ILoopListener? _listener;
    private uint _generation;
    private long _now;
    private bool _isStopped;

    public FrontLoop(int index, TimeProvider time, ILogger logger)
    {
        (Index, _time, _logger) = (index, time, logger);
        _start = time.GetTimestamp();
        Timestamp = _start;
        _epoll.TryAdd(_wake.Descriptor, Readiness.Readable, WakeKey);
        if (time != TimeProvider.System)
        {
            _strangeClock = time.CreateTimer(static wake => ((WakeDescriptor)wake!).Set(), _wake, StrangeClockPeriod, StrangeClockPeriod);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = $"front-{index}" };
    }

    public int Index { get; }

    /// <summary>What connections of this loop borrow.</summary>
    public BufferPool Buffers { get; } = new();

    /// <summary>For long bodies.</summary>
    public PipePool Pipes { get; } = new();

    /// <summary>Where everything is received. What is in it counts until the next receive.</summary>
    public byte[] Input { get; } = GC.AllocateUninitializedArray<byte>(Lead + ReceiveSize + Lead, pinned: true);

    /// <summary>Where what is to be sent is put together; for as long as nothing else is.</summary>
    public byte[] Output { get; } = GC.AllocateUninitializedArray<byte>(2 * ReceiveSize + Lead, pinned: true);

    /// <summary>Milliseconds since the loop's start, as of the last wait. From any thread.</summary>
    public long Now => Volatile.Read(ref _now);

    /// <summary>The clock's timestamp, as of the last wait.</summary>
    public long Timestamp { get; private set; }

    /// <summary>Connections that are registered here.</summary>
    public int Count { get; private set; }

    public void Start() => _thread.Start();

    /// <summary>Has the loop do something, from any thread.</summary>
    public void Post(Action<object?> work, object? state)
    {
        _posted.Enqueue((work, state));
        _wake.Set();
    }

    /// <summary>Begins to accept. From the loop's thread, as all that follows.</summary>
    public void Listen(ILoopListener listener)
    {
        _listener = listener;
        Watch(listener.Descriptor);
    }

    /// <summary>Looks for new connections again, after a pause.</summary>
    public void Watch(int listener) => _epoll.TryAdd(listener, Readiness.Readable | Readiness.Exclusive, ListenerKey);

    /// <summary>Does not accept, for now or for ever.</summary>
    public void Unwatch(int listener) => _epoll.Forget(listener);

    /// <returns>False when the system has no room for another one.</returns>
    public bool TryAdd(FrontConnection connection)
    {
        var descriptor = connection.Socket.Descriptor;
        if (descriptor >= _connections.Length)
        {
            Array.Resize(ref _connections, Math.Max(descriptor + 1, _connections.Length * 2));
        }

        connection.Generation = _generation = (_generation + 1) & 0x7FFFFFFF;
        if (!_epoll.TryAdd(descriptor, Readiness.Readable | Readiness.Writable | Readiness.PeerEnded | Readiness.EdgeTriggered,
            (ulong)connection.Generation << 32 | (uint)descriptor))
        {
            return false;
        }

        _connections[descriptor] = connection;
        Count++;
        return true;
    }

    /// <summary>Forgets a connection, before its descriptor is closed or given away.</summary>
    public void Remove(FrontConnection connection, bool staysOpen = false)
    {
        _wheel.Remove(connection);
        var descriptor = connection.Socket.Descriptor;
        if (descriptor >= 0 && descriptor < _connections.Length && _connections[descriptor] == connection)
        {
            _connections[descriptor] = null;
            Count--;
            if (staysOpen)
            {
                _epoll.Forget(descriptor);
            }
        }
    }

    /// <summary>Gives a connection another turn once the others had theirs.</summary>
    public void Queue(FrontConnection connection)
    {
        if (!connection.IsQueued)
        {
            connection.IsQueued = true;
            _turns.Add(connection);
        }
    }

    public void SetDeadline(TimedItem item, long deadline)
    {
        item.Deadline = deadline;
        if (item.Slot < 0)
        {
            _wheel.Add(item);
        }
        else if (deadline + TimerWheel.Tick < item.ScheduledFor)
        {
            _wheel.Remove(item);
            _wheel.Add(item);
        }
    }

    /// <summary>Every connection that is registered, in a list of its own.</summary>
    public List<FrontConnection> All() => [.. _connections.OfType<FrontConnection>()];

    /// <summary>Ends the thread; connections that are still open are cut off. From any other thread.</summary>
    public void Dispose()
    {
        Post(static loop => ((FrontLoop)loop!)._isStopped = true, this);
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            CleanUp();
        }
        else
        {
            _thread.Join();
        }
    }
}
