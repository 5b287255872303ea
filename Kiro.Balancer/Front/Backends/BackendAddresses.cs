using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Backends;

/// <summary>
/// Where a node is. A name is looked up away from the loop, and what was found serves for a second: as good as a look-up
/// for each connection, without a storm of them.
/// </summary>
internal sealed class BackendAddresses(Backend backend, FrontLoop loop, TimeProvider time)
{
    /// <summary>In milliseconds.</summary>
    private const int Freshness = 1000;

    private readonly List<Action<ConnectError?>> _asking = [];
    private IPEndPoint[] _found = IPAddress.TryParse(backend.Host, out var address) ? [new IPEndPoint(address, backend.Port)] : [];
    private readonly bool _isName = !IPAddress.TryParse(backend.Host, out _);
    private long _foundAt = long.MinValue / 2;

    /// <summary>The addresses, best first; null when the name must be looked up.</summary>
    public IPEndPoint[]? Current => !_isName || loop.Now - _foundAt < Freshness ? _found : null;

    /// <summary>What was found last.</summary>
    public IPEndPoint[] Found => _found;

    /// <summary>Looks the name up.</summary>
    /// <param name="timeout">How long that may take.</param>
    /// <param name="then">Called on the loop; with why nothing was found.</param>
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
