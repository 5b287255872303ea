using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Gets a new connection: resolves the host name and tries one address after the other.</summary>
internal sealed class BackendConnector(IBackendUser user)
{
    private BackendPool? _pool;
    private IPEndPoint[] _addresses = [];
    private int _next;
    private int _generation;

    public void Start(BackendPool pool, TimeSpan timeout)
    {
        _pool = pool;
        _generation++;
        if (pool.Runtime.Backend.IsTls)
        {
            // The backend changed to TLS during the request. The client's later requests go to Kestrel; this one may fail over to a backend
            // without TLS.
            user.OnConnector(null, new ConnectError("the node is spoken to over TLS", ConnectFault.Nobody));
            return;
        }

        if (pool.Addresses.Current is { } addresses)
        {
            Try(addresses);
            return;
        }

        var generation = _generation;
        pool.Addresses.LookUp(timeout, error =>
        {
            if (generation != _generation)
            {
                // The attempt is over, or a later one has begun.
                return;
            }

            if (error is { } problem)
            {
                user.OnConnector(null, problem);
            }
            else
            {
                Try(pool.Addresses.Found);
            }
        });
    }

    /// <summary>Ignores the result of a lookup in progress.</summary>
    public void Stop() => _generation++;

    /// <summary>Tries the next address.</summary>
    /// <param name="error">The system's error for the last one.</param>
    public void GoOn(int error)
    {
        while (_next < _addresses.Length)
        {
            if (_pool!.Connect(_addresses[_next++], user, out error) is { } node)
            {
                user.OnConnector(node, default);
                return;
            }
        }

        user.OnConnector(null, ConnectError.From(Errno.ToException(error)));
    }

    private void Try(IPEndPoint[] addresses)
    {
        (_addresses, _next) = (addresses, 0);
        GoOn(Errno.NoAddress);
    }
}

/// <summary>
/// A backend's addresses. Host names are resolved off the loop and cached for a second: as fresh as a lookup per
/// connection, without the storm.
/// </summary>
internal sealed class BackendAddresses(Backend backend, FrontLoop loop, TimeProvider time)
{
    /// <summary>In milliseconds.</summary>
    private const int Freshness = 1000;

    private readonly List<Action<ConnectError?>> _asking = [];
    private IPEndPoint[] _found = IPAddress.TryParse(backend.Host, out var address) ? [new IPEndPoint(address, backend.Port)] : [];
    private readonly bool _isName = !IPAddress.TryParse(backend.Host, out _);
    private long _foundAt = long.MinValue / 2;

    /// <summary>The addresses, in order of preference; null when the name must be resolved.</summary>
    public IPEndPoint[]? Current => !_isName || loop.Now - _foundAt < Freshness ? _found : null;

    /// <summary>The result of the last successful lookup.</summary>
    public IPEndPoint[] Found => _found;

    /// <summary>Resolves the name. Concurrent calls share one lookup.</summary>
    /// <param name="timeout">For the lookup.</param>
    /// <param name="then">Called on the loop, with the error if it failed.</param>
    public void LookUp(TimeSpan timeout, Action<ConnectError?> then)
    {
        _asking.Add(then);
        if (_asking.Count == 1)
        {
            _ = LookUpAsync(timeout);
        }
    }

    private async Task LookUpAsync(TimeSpan timeout)
    {
        IPAddress[] addresses = [];
        ConnectError? error = null;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(backend.Host, CancellationToken.None).WaitAsync(timeout, time).ConfigureAwait(false);
            error = addresses.Length == 0 ? new ConnectError("name not found", ConnectFault.Node) : null;
        }
        catch (Exception failure) when (failure is SocketException or TimeoutException or ArgumentException)
        {
            error = ConnectError.From(failure);
        }

        loop.Post(_ => End([.. addresses.Select(address => new IPEndPoint(address, backend.Port))], error), null);
    }

    private void End(IPEndPoint[] found, ConnectError? error)
    {
        if (error is null)
        {
            (_found, _foundAt) = (found, loop.Now);
        }

        var asking = _asking.ToArray();
        _asking.Clear();
        foreach (var then in asking)
        {
            then(error);
        }
    }
}
