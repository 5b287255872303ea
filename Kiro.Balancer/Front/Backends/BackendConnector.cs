using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Gets a new connection: resolves the host name and tries one address after the other.</summary>
internal sealed class BackendConnector(IBackendConnectionHandler handler)
{
    private BackendPool? _pool;
    private IPEndPoint[] _addresses = [];
    private int _next;
    private int _generation;

    public void Start(BackendPool pool, TimeSpan timeout)
    {
        _pool = pool;
        _generation++;
        if (pool.Addresses.Current is { } addresses)
        {
            Try(addresses);
            return;
        }

        var generation = _generation;
        pool.Addresses.Resolve(timeout, error =>
        {
            if (generation != _generation)
            {
                // The attempt is over, or a later one has begun.
                return;
            }

            if (error is { } failure)
            {
                handler.OnConnectionAcquired(null, failure);
            }
            else
            {
                Try(pool.Addresses.LastResult);
            }
        });
    }

    /// <summary>Ignores the result of a lookup in progress.</summary>
    public void Stop() => _generation++;

    /// <summary>Tries the next address.</summary>
    /// <param name="error">The system's error for the last one.</param>
    public void TryNext(int error)
    {
        while (_next < _addresses.Length)
        {
            if (_pool!.Connect(_addresses[_next++], handler, out error) is { } connection)
            {
                handler.OnConnectionAcquired(connection, default);
                return;
            }
        }

        handler.OnConnectionAcquired(null, ConnectError.From(Errno.ToException(error)));
    }

    private void Try(IPEndPoint[] addresses)
    {
        (_addresses, _next) = (addresses, 0);
        TryNext(Errno.NoAddress);
    }
}

/// <summary>
/// A backend's addresses. Host names are resolved off the loop and cached for a second: as fresh as a lookup per
/// connection, without the storm.
/// </summary>
internal sealed class BackendAddresses(Backend backend, FrontLoop loop, TimeProvider time)
{
    /// <summary>In milliseconds.</summary>
    private const int CacheTime = 1000;

    private readonly List<Action<ConnectError?>> _callbacks = [];
    private IPEndPoint[] _addresses = IPAddress.TryParse(backend.Host, out var address) ? [new IPEndPoint(address, backend.Port)] : [];
    private readonly bool _isName = !IPAddress.TryParse(backend.Host, out _);
    private long _resolvedAt = long.MinValue / 2;

    /// <summary>The addresses, in order of preference; null when the name must be resolved.</summary>
    public IPEndPoint[]? Current => !_isName || loop.Now - _resolvedAt < CacheTime ? _addresses : null;

    /// <summary>The result of the last successful lookup.</summary>
    public IPEndPoint[] LastResult => _addresses;

    /// <summary>Resolves the name. Concurrent calls share one lookup.</summary>
    /// <param name="timeout">For the lookup.</param>
    /// <param name="callback">Called on the loop, with the error if it failed.</param>
    public void Resolve(TimeSpan timeout, Action<ConnectError?> callback)
    {
        _callbacks.Add(callback);
        if (_callbacks.Count == 1)
        {
            _ = ResolveAsync(timeout);
        }
    }

    private async Task ResolveAsync(TimeSpan timeout)
    {
        IPAddress[] addresses = [];
        ConnectError? error = null;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(backend.Host, CancellationToken.None).WaitAsync(timeout, time).ConfigureAwait(false);
            error = addresses.Length == 0 ? new ConnectError("name not found", ConnectFault.Node) : null;
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException or ArgumentException)
        {
            error = ConnectError.From(exception);
        }

        loop.Post(_ => Complete([.. addresses.Select(address => new IPEndPoint(address, backend.Port))], error), null);
    }

    private void Complete(IPEndPoint[] addresses, ConnectError? error)
    {
        if (error is null)
        {
            (_addresses, _resolvedAt) = (addresses, loop.Now);
        }

        var callbacks = _callbacks.ToArray();
        _callbacks.Clear();
        foreach (var callback in callbacks)
        {
            callback(error);
        }
    }
}
