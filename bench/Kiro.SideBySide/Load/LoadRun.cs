using System.Diagnostics;

namespace Kiro.SideBySide.Load;

/// <summary>
/// Runs one load on the current thread. With a rate it is an open loop: latency is measured from the time at which a request is
/// due, even if a slow response delayed sending it. Otherwise a proxy's slow responses would hide the requests that had to
/// wait for them (coordinated omission).
/// </summary>
internal sealed class LoadRun : IDisposable
{
    private static readonly TimeSpan Missing = TimeSpan.FromSeconds(2);

    // Connections on both sides of the proxy must be established before the measurement.
    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan StartSlice = TimeSpan.FromSeconds(0.05);

    private readonly LoadPlan _plan;
    private readonly Epoll _epoll = new();
    private readonly LoadConnection[] _connections;
    private readonly SlowReader[] _slowReaders;
    private readonly IdleConnections _idleConnections;
    private readonly Queue<LoadConnection> _idle = [];
    private readonly byte[] _buffer = new byte[256 * 1024];
    private readonly LatencyHistogram _latencies = new();
    private LoadErrors _errors;
    private long _responses;
    private bool _isCounting;
    private long _nextDue;
    private long _nextSlowRead;

    public LoadRun(LoadPlan plan)
    {
        _plan = plan;
        _connections = [.. plan.Sources.Select((source, id) => new LoadConnection(id, source, plan.Target, _epoll))];
        _slowReaders = [.. plan.SlowReaders.Select(source => new SlowReader(source, plan.Target, plan.SlowRequest))];
        _idleConnections = new IdleConnections(plan.Idle, plan.Target, plan.Requests.Next());
    }

    /// <param name="plan">The load plan.</param>
    /// <param name="onWindow">Called at the beginning and the end of the window.</param>
    public static LoadResult Run(LoadPlan plan, Action onWindow)
    {
        using var load = new LoadRun(plan);
        return load.Run(onWindow);
    }

    public void Dispose()
    {
        Array.ForEach(_connections, connection => connection.Dispose());
        Array.ForEach(_slowReaders, reader => reader.Dispose());
        _idleConnections.Dispose();
        _epoll.Dispose();
    }

    private LoadResult Run(Action onWindow)
    {
        Epoll.WakeOnTime();
        foreach (var connection in _connections)
        {
            connection.Open();
            _idle.Enqueue(connection);
        }

        var start = _nextDue = Stopwatch.GetTimestamp();
        Serve(start + Ticks(_plan.Settle));
        while (_responses < 2 * _connections.Length && Stopwatch.GetElapsedTime(start) < _plan.Settle + MaxStart)
        {
            Serve(Stopwatch.GetTimestamp() + Ticks(StartSlice));
        }

        onWindow();
        (_responses, _isCounting) = (0, true);
        var windowStart = Stopwatch.GetTimestamp();
        Serve(windowStart + Ticks(_plan.Window));
        var end = Stopwatch.GetTimestamp();
        onWindow();

        var missing = _connections.Count(connection => connection.IsBusy && Stopwatch.GetElapsedTime(connection.Sent, end) > Missing);
        var overdue = _plan.Rate is null ? 0 : Math.Max(0, (end - _nextDue) / Interval(_plan.Rate.Value));
        return new LoadResult(
            Stopwatch.GetElapsedTime(windowStart, end), _responses, _latencies, _errors with { Missing = missing }, overdue);
    }

    private void Serve(long until)
    {
        for (var now = Stopwatch.GetTimestamp(); now < until; now = Stopwatch.GetTimestamp())
        {
            SendDue(now);
            ReadSlowly(now);
            var wake = _plan.Rate is not null && _idle.Count > 0 ? Math.Min(until, _nextDue) : until;
            wake = _slowReaders.Length > 0 ? Math.Min(wake, _nextSlowRead) : wake;
            var ready = _epoll.Wait(Stopwatch.GetElapsedTime(now, wake));
            for (var index = 0; index < ready; index++)
            {
                Receive(_connections[_epoll[index]]);
            }
        }
    }

    private void SendDue(long now)
    {
        while (_idle.Count > 0 && (_plan.Rate is null || _nextDue <= now))
        {
            _idle.Dequeue().Send(_plan.Requests.Next(), _plan.Rate is null ? Stopwatch.GetTimestamp() : _nextDue);
            _nextDue += _plan.Rate is { } rate ? Interval(rate) : 0;
        }
    }

    private void ReadSlowly(long now)
    {
        if (_slowReaders.Length > 0 && _nextSlowRead <= now)
        {
            Array.ForEach(_slowReaders, reader => reader.Read(_buffer));
            _nextSlowRead = now + Ticks(SlowReader.Period);
        }
    }

    private void Receive(LoadConnection connection)
    {
        var state = connection.Receive(_buffer);
        if (state == ResponseState.Partial)
        {
            return;
        }

        if (!connection.IsBusy)
        {
            // A proxy may close an idle connection.
            Reopen(connection);
            return;
        }

        if (state == ResponseState.Whole)
        {
            Count(connection);
        }
        else
        {
            _errors += new LoadErrors(0, 0, 1, 0);
        }

        if (state == ResponseState.Broken || connection.Response.Closes)
        {
            Reopen(connection);
        }

        connection.Finish();
        if (_plan.Rate is null)
        {
            connection.Send(_plan.Requests.Next(), Stopwatch.GetTimestamp());
        }
        else
        {
            _idle.Enqueue(connection);
        }
    }

    private static void Reopen(LoadConnection connection)
    {
        connection.Dispose();
        connection.Open();
    }

    private void Count(LoadConnection connection)
    {
        var response = connection.Response;
        if (response.Status != 200)
        {
            _errors += new LoadErrors(1, 0, 0, 0);
        }
        else if (response.BodyLength != _plan.ResponseBody)
        {
            _errors += new LoadErrors(0, 1, 0, 0);
        }
        else
        {
            _responses++;
            if (_isCounting)
            {
                // With a constant rate, include requests that were due before the window: they waited longest.
                _latencies.Record(Stopwatch.GetElapsedTime(connection.Due).Ticks * TimeSpan.NanosecondsPerTick);
            }
        }
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static long Interval(int rate) => Stopwatch.Frequency / rate;
}
