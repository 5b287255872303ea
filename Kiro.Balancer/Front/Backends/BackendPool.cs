using System.Net;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Tls;

namespace Kiro.Balancer.Front.Backends;

/// <summary>
/// One loop's connections to one backend. The most recently used connection is reused first, so that surplus ones reach
/// their idle timeout. Also lists the attempts that wait for the backend, so that they can fail over when it hangs.
/// </summary>
internal sealed class BackendPool
{
    /// <summary>How much earlier than the backend we close: a request sent as it closes may be lost. In milliseconds.</summary>
    private const int CloseMargin = 1000;

    private readonly FrontLoop _loop;
    private BackendConnection? _top;
    private CancellationTokenRegistration _abandoned;
    private bool _isRetired;

    /// <param name="loop">The loop.</param>
    /// <param name="runtime">The backend.</param>
    /// <param name="addresses">Its addresses.</param>
    /// <param name="tls">How to connect with TLS; null without.</param>
    public BackendPool(FrontLoop loop, BackendRuntime runtime, BackendAddresses addresses, TlsClient? tls)
    {
        (_loop, Runtime, Addresses, Tls) = (loop, runtime, addresses, tls);
        (Counters, Traffic) = (runtime.Counters.Cell(loop.Index), runtime.Traffic.Cell(loop.Index));
        Authority = Encoding.ASCII.GetBytes(runtime.Backend.Authority);
        Register();
    }

    public BackendRuntime Runtime { get; }

    /// <summary>This loop's share of the backend's counters.</summary>
    public CounterCell Counters { get; }

    /// <summary>This loop's share of the backend's traffic counters.</summary>
    public TrafficCell Traffic { get; }

    public BackendAddresses Addresses { get; }

    /// <summary>How to connect with TLS; null without.</summary>
    public TlsClient? Tls { get; }

    /// <summary>The backend's own name and port, for Host.</summary>
    public byte[] Authority { get; }

    /// <summary>Attempts that wait for a response and can be retried elsewhere.</summary>
    public WaitingList Waiting { get; } = new();

    /// <summary>Connections, idle and in use.</summary>
    public int Count { get; private set; }

    public int IdleCount { get; private set; }

    /// <summary>Takes the most recently used idle connection.</summary>
    public BackendConnection? TryTake()
    {
        if (_top is not { } connection)
        {
            return null;
        }

        Unlink(connection);
        connection.IsReused = true;
        return connection;
    }

    /// <summary>Starts a non-blocking connect.</summary>
    /// <param name="endpoint">One of the backend's addresses.</param>
    /// <param name="handler">Told of the result, unless there is one at once.</param>
    /// <param name="error">0 when connected, <see cref="Errno.InProgress"/>, or why it failed.</param>
    public BackendConnection? Connect(IPEndPoint endpoint, IBackendConnectionHandler handler, out int error)
    {
        if (FrontSocket.Connect(endpoint, out error) is not { } socket)
        {
            return null;
        }

        var connection = new BackendConnection(_loop, socket, this) { Handler = handler, IsConnecting = error == Errno.InProgress || Tls is not null };
        if (!_loop.TryAdd(connection))
        {
            error = Errno.NoBuffers;
            socket.Close();
            return null;
        }

        Count++;
        return connection;
    }

    /// <summary>How long a connection may stay idle, in milliseconds; 0 or less when it must not be reused.</summary>
    /// <param name="timeout">The backend's Keep-Alive timeout in seconds, if it sent one.</param>
    /// <param name="requests">The requests that the backend still accepts on it, if it said so.</param>
    public static long IdleTime(int? timeout, int? requests) =>
        requests <= 1 ? 0 : Math.Min((long)BackendSocket.IdleTimeout.TotalMilliseconds, (timeout ?? int.MaxValue) * 1000L - CloseMargin);

    /// <summary>Returns a connection to the pool.</summary>
    /// <param name="connection">No longer in use.</param>
    /// <param name="idleTime">Its idle timeout, in milliseconds.</param>
    public void Return(BackendConnection connection, long idleTime)
    {
        connection.Handler = null;
        if (_isRetired || idleTime <= 0)
        {
            connection.Close();
            return;
        }

        connection.Older = _top;
        if (_top is { } older)
        {
            older.Newer = connection;
        }

        _top = connection;
        IdleCount++;
        connection.SetDeadline(idleTime);
    }

    /// <summary>Closes an idle connection that the backend has closed, or on which it sent data without a request.</summary>
    public void CloseStale(BackendConnection connection)
    {
        connection.Close();
        if (_top is null)
        {
            // A backend that closes all its connections may be down; one that closes its oldest now and then leaves some open.
            Runtime.ProbeNow.Set();
        }
    }

    /// <summary>Removes a connection that is about to be closed.</summary>
    public void Remove(BackendConnection connection)
    {
        if (!connection.IsClosed)
        {
            Count--;
            Unlink(connection);
        }
    }

    /// <summary>The backend was removed: closes idle connections, and those in use when they are returned.</summary>
    public void Retire()
    {
        _isRetired = true;
        _abandoned.Unregister();
        CloseIdle();
    }

    /// <summary>Closes idle connections to a suspect backend: they may occupy the threads that its health check needs.</summary>
    public void CloseIdleIfSuspect()
    {
        if (Runtime.IsSuspect)
        {
            CloseIdle();
        }
    }

    private void CloseIdle()
    {
        while (_top is { } connection)
        {
            connection.Close();
        }
    }

    private void Unlink(BackendConnection connection)
    {
        if (connection.Newer is { } newer)
        {
            newer.Older = connection.Older;
        }
        else if (_top == connection)
        {
            _top = connection.Older;
        }
        else
        {
            return;
        }

        if (connection.Older is { } older)
        {
            older.Newer = connection.Newer;
        }

        connection.Newer = connection.Older = null;
        IdleCount--;
    }

    private void Register() => _abandoned = Runtime.Abandoned.UnsafeRegister(
        static pool => ((BackendPool)pool!)._loop.Post(static pool => ((BackendPool)pool!).OnAbandoned(), pool), this);

    private void OnAbandoned()
    {
        if (!_isRetired)
        {
            Register();
        }

        Waiting.AbandonAll();
    }
}

/// <summary>One loop's connection pools, one for each backend.</summary>
internal sealed class BackendPools(FrontLoop loop, BackendRegistry registry, TimeProvider time, BackendTls tls)
{
    private readonly Lazy<TlsClient> _tls = new(() => new TlsClient(tls));
    private readonly Dictionary<Backend, BackendPool> _pools = new(ReferenceEqualityComparer.Instance);
    private BackendSnapshot? _lastSnapshot;

    public BackendPool Of(BackendRuntime runtime)
    {
        var backend = runtime.Backend;
        if (!_pools.TryGetValue(backend, out var pool))
        {
            pool = new BackendPool(loop, runtime, new BackendAddresses(backend, loop, time), backend.IsTls ? _tls.Value : null);
            _pools.Add(backend, pool);
        }

        return pool;
    }

    /// <summary>Drops the pools of removed backends and the idle connections of suspect ones. Runs every second.</summary>
    public void Tidy()
    {
        foreach (var pool in _pools.Values)
        {
            pool.CloseIdleIfSuspect();
        }

        var current = registry.Current;
        if (ReferenceEquals(current, _lastSnapshot))
        {
            return;
        }

        _lastSnapshot = current;
        foreach (var pool in _pools.Values.Where(pool => current.Of(pool.Runtime.Backend) is null).ToList())
        {
            pool.Retire();
            _pools.Remove(pool.Runtime.Backend);
        }
    }

    public void Retire()
    {
        foreach (var pool in _pools.Values)
        {
            pool.Retire();
        }
    }

    /// <summary>Connections to backends, idle and in use.</summary>
    public int Count => _pools.Values.Sum(pool => pool.Count);
}
