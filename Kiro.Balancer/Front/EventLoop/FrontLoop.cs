using System.Collections.Concurrent;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// An event loop: one thread that serves many non-blocking connections. Its state is used by this thread only; others reach
/// it through <see cref="Post"/>.
/// </summary>
internal sealed class FrontLoop : IDisposable
{
    /// <summary>The most that one receive returns, in bytes.</summary>
    public const int ReceiveSize = 128 * 1024;

    /// <summary>Space in front of received data, for a rewritten head or a chunk size, in bytes.</summary>
    public const int Headroom = 8 * 1024;

    private const int EventsAtOnce = 512;
    private const ulong WakeKey = ulong.MaxValue;
    private const ulong ListenerKey = ulong.MaxValue - 1;

    // On a clock other than the system's, epoll cannot know how long to wait.
    private static readonly TimeSpan ClockPollPeriod = TimeSpan.FromMilliseconds(500);

    private readonly Epoll _epoll = new(EventsAtOnce);
    private readonly EventFd _wake = new();
    private readonly ConcurrentQueue<(Action<object?> Work, object? State)> _posted = new();
    private readonly TimerWheel _wheel = new();
    private readonly TimeProvider _time;
    private readonly ITimer? _clockPoll;
    private readonly ILogger _logger;
    private readonly long _start;
    private readonly Thread _thread;
    private List<FrontConnection> _turns = [];
    private List<FrontConnection> _currentTurns = [];
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
        _epoll.TryAdd(_wake.Descriptor, EpollEvents.Readable, WakeKey);
        if (time != TimeProvider.System)
        {
            _clockPoll = time.CreateTimer(static wake => ((EventFd)wake!).Set(), _wake, ClockPollPeriod, ClockPollPeriod);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = $"front-{index}" };
    }

    public int Index { get; }

    /// <summary>For unparsed input and unsent output.</summary>
    public BufferPool Buffers { get; } = new();

    /// <summary>For splicing long bodies.</summary>
    public PipePool Pipes { get; } = new();

    /// <summary>The loop's receive buffer. Its contents are valid until the next receive.</summary>
    public byte[] Input { get; } = GC.AllocateUninitializedArray<byte>(Headroom + ReceiveSize + Headroom, pinned: true);

    /// <summary>Scratch space for a head that is being written.</summary>
    public byte[] Output { get; } = GC.AllocateUninitializedArray<byte>(2 * ReceiveSize + Headroom, pinned: true);

    /// <summary>Milliseconds since the loop's start, as of the last wait. Thread-safe.</summary>
    public long Now => Volatile.Read(ref _now);

    /// <summary>The clock's timestamp as of the last wait.</summary>
    public long Timestamp { get; private set; }

    public void Start() => _thread.Start();

    /// <summary>Runs something on the loop's thread. Thread-safe.</summary>
    public void Post(Action<object?> work, object? state)
    {
        _posted.Enqueue((work, state));
        _wake.Set();
    }

    /// <summary>Starts accepting. This and all that follows is for the loop's thread.</summary>
    public void StartAccepting(ILoopListener listener)
    {
        _listener = listener;
        ResumeAccepting(listener.Descriptor);
    }

    /// <summary>Resumes accepting.</summary>
    public void ResumeAccepting(int listener) => _epoll.TryAdd(listener, EpollEvents.Readable | EpollEvents.Exclusive, ListenerKey);

    /// <summary>Stops accepting, for now or for good.</summary>
    public void PauseAccepting(int listener) => _epoll.Remove(listener);

    /// <returns>False when the system refuses.</returns>
    public bool TryAdd(FrontConnection connection)
    {
        var descriptor = connection.Socket.Descriptor;
        if (descriptor >= _connections.Length)
        {
            Array.Resize(ref _connections, Math.Max(descriptor + 1, _connections.Length * 2));
        }

        connection.Generation = _generation = (_generation + 1) & 0x7FFFFFFF;
        if (!_epoll.TryAdd(descriptor, EpollEvents.Readable | EpollEvents.Writable | EpollEvents.ReadHangUp | EpollEvents.EdgeTriggered,
            (ulong)connection.Generation << 32 | (uint)descriptor))
        {
            return false;
        }

        _connections[descriptor] = connection;
        return true;
    }

    /// <summary>Unregisters a connection, before its descriptor is closed or detached.</summary>
    public void Remove(FrontConnection connection, bool keepOpen = false)
    {
        _wheel.Remove(connection);
        var descriptor = connection.Socket.Descriptor;
        if (descriptor >= 0 && descriptor < _connections.Length && _connections[descriptor] == connection)
        {
            _connections[descriptor] = null;
            if (keepOpen)
            {
                _epoll.Remove(descriptor);
            }
        }
    }

    /// <summary>Schedules <see cref="FrontConnection.OnTurn"/> for after the other connections.</summary>
    public void QueueTurn(FrontConnection connection)
    {
        if (!connection.IsQueued)
        {
            connection.IsQueued = true;
            _turns.Add(connection);
        }
    }

    public void SetDeadline(TimerEntry entry, long deadline) => _wheel.SetDeadline(entry, deadline);

    /// <summary>A copy of the list of connections.</summary>
    public List<FrontConnection> All() => [.. _connections.OfType<FrontConnection>()];

    /// <summary>Stops the loop and aborts open connections. From another thread.</summary>
    public void Dispose()
    {
        Post(static loop => ((FrontLoop)loop!)._isStopped = true, this);
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            Close();
        }
        else
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        try
        {
            while (!_isStopped)
            {
                var count = _epoll.Wait(_turns.Count > 0 ? 0 : _wheel.TimeUntilNext(Now));
                Timestamp = _time.GetTimestamp();
                Volatile.Write(ref _now, (long)_time.GetElapsedTime(_start, Timestamp).TotalMilliseconds);
                for (var index = 0; index < count; index++)
                {
                    Dispatch(_epoll[index]);
                }

                RunTurns();
                FireTimers();
            }
        }
        finally
        {
            Close();
        }
    }

    private void Dispatch((EpollEvents Events, ulong Key) ready)
    {
        switch (ready.Key)
        {
            case WakeKey:
                _wake.Clear();
                RunPosted();
                return;
            case ListenerKey:
                _listener?.Accept(this);
                return;
        }

        if (_connections[(int)(uint)ready.Key] is not { } connection || connection.Generation != (uint)(ready.Key >> 32))
        {
            return;
        }

        try
        {
            connection.OnEvents(ready.Events);
        }
        catch (Exception exception)
        {
            Abort(connection, exception);
        }
    }

    private void RunTurns()
    {
        (_turns, _currentTurns) = (_currentTurns, _turns);
        foreach (var connection in _currentTurns)
        {
            connection.IsQueued = false;
            if (connection.IsClosed)
            {
                continue;
            }

            try
            {
                connection.OnTurn();
            }
            catch (Exception exception)
            {
                Abort(connection, exception);
            }
        }

        _currentTurns.Clear();
    }

    private void FireTimers()
    {
        try
        {
            _wheel.Advance(Now);
        }
        catch (Exception exception)
        {
            _logger.LoopBroke(exception);
        }
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out var posted))
        {
            try
            {
                posted.Work(posted.State);
            }
            catch (Exception exception)
            {
                _logger.LoopBroke(exception);
            }
        }
    }

    // An error of one connection must not stop the others.
    private void Abort(FrontConnection connection, Exception exception)
    {
        _logger.LoopBroke(exception);
        connection.Abort();
    }

    private void Close()
    {
        _clockPoll?.Dispose();
        foreach (var connection in All())
        {
            connection.Abort();
        }

        Pipes.Close();
        _wake.Dispose();
        _epoll.Dispose();
    }
}

/// <summary>A source of new connections.</summary>
internal interface ILoopListener
{
    int Descriptor { get; }

    /// <summary>Accepts pending connections. Never blocks.</summary>
    void Accept(FrontLoop loop);
}
