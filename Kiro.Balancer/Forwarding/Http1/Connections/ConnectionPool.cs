using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// The idle connections to a backend. The most recently used one is reused first, so that surplus ones reach their idle
/// timeout.
/// </summary>
/// <param name="backend">The backend.</param>
/// <param name="watch">Checks the connections' timeouts.</param>
/// <param name="time">For the connect timeout.</param>
/// <param name="tls">For backends that use TLS.</param>
internal sealed class ConnectionPool(BackendRuntime backend, ConnectionWatch watch, TimeProvider time, BackendTls tls)
{
    private readonly Lock _changing = new();
    private readonly DnsEndPoint _endpoint = new(backend.Backend.Host, backend.Backend.Port);
    private PooledConnection? _top;
    private bool _isClosed;

    public Backend Backend => backend.Backend;

    /// <summary>Whether to close idle connections, because the backend is suspect.</summary>
    public bool IsSuspect => backend.IsSuspect;

    /// <summary>Takes an idle connection that the backend has not closed.</summary>
    /// <returns>Null when there is none.</returns>
    public PooledConnection? TryTake()
    {
        lock (_changing)
        {
            while (_top is { } connection)
            {
                _top = connection.Older;
                connection.Older = null;
                if (connection.TryTake())
                {
                    return connection;
                }
            }
        }

        return null;
    }

    /// <exception cref="SocketException">The connection was refused or failed.</exception>
    /// <exception cref="TimeoutException">The connect timed out.</exception>
    /// <exception cref="BackendTlsException">The TLS handshake failed.</exception>
    public async ValueTask<PooledConnection> ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var socket = await BackendSocket.ConnectAsync(_endpoint, timeout, time, cancellationToken);
        var stream = Backend.IsTls
            ? await tls.AuthenticateAsync(new NetworkStream(socket, ownsSocket: true), Backend, timeout, cancellationToken)
            : null;
        backend.Traffic.CountConnect();
        return new PooledConnection(socket, this, watch, stream);
    }

    /// <summary>Returns a connection to the pool, or closes it if it cannot be reused.</summary>
    public void Return(PooledConnection connection)
    {
        if (!connection.TryBecomeIdle())
        {
            return;
        }

        lock (_changing)
        {
            connection.Older = _top;
            _top = connection;
        }

        if (connection.IsClosed)
        {
            // It was closed before it was in the list.
            Remove(connection);
        }
        else if (Volatile.Read(ref _isClosed))
        {
            connection.CloseIdle();
        }
    }

    /// <summary>An empty pool for the same backend.</summary>
    public ConnectionPool CreateEmpty() => new(backend, watch, time, tls);

    /// <summary>Closes the idle connections, and those in use when they are returned.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosed, true);
        while (TryTake() is { } connection)
        {
            connection.Dispose();
        }
    }

    /// <summary>Removes an idle connection that the backend has closed.</summary>
    public void RemoveClosed(PooledConnection connection)
    {
        Remove(connection);
        if (Volatile.Read(ref _top) is null)
        {
            // A backend that closes all its connections may be down; one that closes its oldest now and then leaves some open.
            backend.ProbeNow.Set();
        }
    }

    /// <summary>Removes an idle connection.</summary>
    public void Remove(PooledConnection connection)
    {
        lock (_changing)
        {
            if (_top == connection)
            {
                _top = connection.Older;
                return;
            }

            for (var above = _top; above is not null; above = above.Older)
            {
                if (above.Older == connection)
                {
                    above.Older = connection.Older;
                    return;
                }
            }
        }
    }
}

/// <summary>One pool for each backend, created on first use and collected with the backend.</summary>
internal sealed class ConnectionPools(ConnectionWatch watch, TimeProvider time, BackendTls tls)
{
    private readonly ConditionalWeakTable<Backend, ConnectionPool> _pools = [];

    /// <summary>The backend's pool, if there is one yet.</summary>
    public ConnectionPool? TryFind(Backend backend) => _pools.TryGetValue(backend, out var pool) ? pool : null;

    public ConnectionPool Of(BackendRuntime backend) =>
        TryFind(backend.Backend) ?? _pools.GetOrAdd(backend.Backend, (_, runtime) => new ConnectionPool(runtime, watch, time, tls), backend);
}
