using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>The idle connections to a node. The one that was used last is used first, so that those too many grow old.</summary>
/// <param name="backend">The node.</param>
/// <param name="watch">Looks at the time for the connections.</param>
/// <param name="time">For the time that connecting may take.</param>
/// <param name="tls">For nodes that are spoken to over TLS.</param>
internal sealed class ConnectionPool(BackendRuntime backend, ConnectionWatch watch, TimeProvider time, BackendTls tls)
{
    private readonly Lock _changing = new();
    private readonly DnsEndPoint _endpoint = new(backend.Backend.Host, backend.Backend.Port);
    private BackendConnection? _top;
    private bool _isClosed;

    public Backend Backend => backend.Backend;

    /// <summary>Whether idle connections are better closed than kept.</summary>
    public bool IsDoubted => backend.IsDoubted;

    /// <summary>Takes an idle connection that the node has not closed.</summary>
    /// <returns>Null when there is none.</returns>
    public BackendConnection? TryTake()
    {
        lock (_changing)
        {
            while (_top is { } connection)
            {
                _top = connection.Below;
                connection.Below = null;
                if (connection.TryTake())
                {
                    return connection;
                }
            }
        }

        return null;
    }

    /// <exception cref="SocketException">It was refused, or cannot be made.</exception>
    /// <exception cref="TimeoutException">It was not accepted in time.</exception>
    /// <exception cref="BackendTlsException">There is no TLS with this node.</exception>
    public async ValueTask<BackendConnection> ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var socket = await BackendSocket.ConnectAsync(_endpoint, timeout, time, cancellationToken);
        var stream = Backend.IsTls
            ? await tls.AuthenticateAsync(new NetworkStream(socket, ownsSocket: true), Backend, timeout, cancellationToken)
            : null;
        backend.Traffic.Connect();
        return new BackendConnection(socket, this, watch, stream);
    }

    /// <summary>Keeps a connection for the next request, if it is good for one.</summary>
    public void Return(BackendConnection connection)
    {
        if (!connection.TryIdle())
        {
            return;
        }

        lock (_changing)
        {
            connection.Below = _top;
            _top = connection;
        }

        if (connection.IsClosed)
        {
            // It was closed before it could be found here.
            Drop(connection);
        }
        else if (Volatile.Read(ref _isClosed))
        {
            connection.CloseIdle();
        }
    }

    /// <summary>Another one for the same node, with no connection in it.</summary>
    public ConnectionPool Alike() => new(backend, watch, time, tls);

    /// <summary>Keeps no connection any more.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosed, true);
        while (TryTake() is { } connection)
        {
            connection.Dispose();
        }
    }

    /// <summary>Forgets an idle connection that the node has closed.</summary>
    public void DropClosed(BackendConnection connection)
    {
        Drop(connection);
        if (Volatile.Read(ref _top) is null)
        {
            // A node that closes all it had may be gone. Those that close the oldest now and then keep some.
            backend.ProbeNow.Set();
        }
    }

    /// <summary>Forgets an idle connection.</summary>
    public void Drop(BackendConnection connection)
    {
        lock (_changing)
        {
            if (_top == connection)
            {
                _top = connection.Below;
                return;
            }

            for (var above = _top; above is not null; above = above.Below)
            {
                if (above.Below == connection)
                {
                    above.Below = connection.Below;
                    return;
                }
            }
        }
    }
}

/// <summary>Has a pool for each node, made when it is first needed and gone when nobody knows the node any more.</summary>
internal sealed class ConnectionPools(ConnectionWatch watch, TimeProvider time, BackendTls tls)
{
    private readonly ConditionalWeakTable<Backend, ConnectionPool> _pools = [];

    /// <summary>The node's pool, if any request has needed it yet.</summary>
    public ConnectionPool? TryFind(Backend backend) => _pools.TryGetValue(backend, out var pool) ? pool : null;

    public ConnectionPool Of(BackendRuntime backend) =>
        TryFind(backend.Backend) ?? _pools.GetOrAdd(backend.Backend, (_, runtime) => new ConnectionPool(runtime, watch, time, tls), backend);
}
