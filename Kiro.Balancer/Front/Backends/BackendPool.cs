using System.Net;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Backends;

/// <summary>
/// What one loop keeps open to one node. The connection that was used last is used first, so that those too many grow
/// old. Also knows who waits for the node, so that they can be told when that is hopeless.
/// </summary>
internal sealed class BackendPool
{
    /// <summary>A request that is sent while the node closes may be lost; in milliseconds.</summary>
    private const int CloseMargin = 1000;

    private readonly FrontLoop _loop;
    private BackendConnection? _top;
    private CancellationTokenRegistration _abandoned;
    private bool _isRetired;

    public BackendPool(FrontLoop loop, BackendRuntime runtime, BackendAddresses addresses)
    {
        (_loop, Runtime, Addresses) = (loop, runtime, addresses);
        (Counters, Traffic) = (runtime.Counters.Cell(loop.Index), runtime.Traffic.Cell(loop.Index));
        Authority = Encoding.ASCII.GetBytes(runtime.Backend.Authority);
        Register();
    }

    /// <summary>What runs for the node.</summary>
    public BackendRuntime Runtime { get; }

    /// <summary>This loop's.</summary>
    public CounterCell Counters { get; }

    /// <summary>This loop's.</summary>
    public TrafficCell Traffic { get; }

    public BackendAddresses Addresses { get; }

    /// <summary>The node's own name, as it stands in Host.</summary>
    public byte[] Authority { get; }

    /// <summary>Exchanges that wait for a response and could go elsewhere.</summary>
    public WaitingList Waiting { get; } = new();

    /// <summary>Connections, idle and in use.</summary>
    public int Count { get; private set; }

    /// <summary>Connections that are idle.</summary>
    public int IdleCount { get; private set; }

    /// <summary>Takes an idle connection, the one that was used last.</summary>
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

    /// <summary>Begins to connect.</summary>
    /// <param name="endpoint">One of the node's addresses.</param>
    /// <param name="user">Told how it ends, unless it has ended already.</param>
    /// <param name="error">0 when it is open, <see cref="Errno.InProgress"/>, or why it cannot be.</param>
    public BackendConnection? Connect(IPEndPoint endpoint, IBackendUser user, out int error)
    {
        if (FrontSocket.Connect(endpoint, out error) is not { } socket)
        {
            return null;
        }

        var connection = new BackendConnection(_loop, socket, this) { User = user, IsConnecting = error == Errno.InProgress };
        if (!_loop.TryAdd(connection))
        {
            error = Errno.NoBuffers;
            socket.Close();
            return null;
        }

        Count++;
        return connection;
    }

    /// <summary>How long a connection may be idle, in milliseconds; 0 when it must not be used again.</summary>
    /// <param name="timeout">How long the node keeps it, in seconds, if it says so: we close before it does.</param>
    /// <param name="requests">How many requests the node still takes, if it says so.</param>
    public static long IdleTime(int? timeout, int? requests) =>
        requests <= 1 ? 0 : Math.Min((long)BackendSocket.IdleTimeout.TotalMilliseconds, (timeout ?? int.MaxValue) * 1000L - CloseMargin);

    /// <summary>Keeps a connection for the next exchange.</summary>
    /// <param name="connection">Nobody uses it any more.</param>
    /// <param name="idleTime">For how long, in milliseconds.</param>
    public void Return(BackendConnection connection, long idleTime)
    {
        connection.User = null;
        if (_isRetired || idleTime <= 0)
        {
            connection.Close();
            return;
        }

        connection.Below = _top;
        if (_top is { } below)
        {
            below.Above = connection;
        }

        _top = connection;
        IdleCount++;
        connection.SetDeadline(idleTime);
    }

    /// <summary>Closes an idle connection that the node has closed, or on which it spoke unasked.</summary>
    public void DropSpoilt(BackendConnection connection)
    {
        connection.Close();
        if (_top is null)
        {
            // A node that closes all it had may be gone. Those that close the oldest now and then keep some.
            Runtime.ProbeNow.Set();
        }
    }

    /// <summary>Forgets a connection that is about to be closed.</summary>
    public void Forget(BackendConnection connection)
    {
        if (!connection.IsClosed)
        {
            Count--;
            Unlink(connection);
        }
    }

    /// <summary>The node is forgotten: nothing is kept for it any more.</summary>
    public void Retire()
    {
        _isRetired = true;
        _abandoned.Unregister();
        CloseIdle();
    }

    /// <summary>Closes what is idle at a node that may be ill: it may hold the threads that the probe waits for.</summary>
    public void CloseDoubted()
    {
        if (Runtime.IsDoubted)
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
        if (connection.Above is { } above)
        {
            above.Below = connection.Below;
        }
        else if (_top == connection)
        {
            _top = connection.Below;
        }
        else
        {
            return;
        }

        if (connection.Below is { } below)
        {
            below.Above = connection.Above;
        }

        connection.Above = connection.Below = null;
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

        Waiting.GiveUp();
    }
}
