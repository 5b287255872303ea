using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>Finds a new connection for a dialogue: looks the node's name up and tries one address after the other.</summary>
internal sealed class BackendConnector(BackendDialogue dialogue)
{
    private BackendPool? _pool;
    private IPEndPoint[] _addresses = [];
    private int _next;
    private int _generation;

    public void Start(BackendPool pool)
    {
        _pool = pool;
        _generation++;
        if (pool.Runtime.Backend.IsTls)
        {
            // It came while the request was under way, which no other of this client will be here: a node without TLS may have it.
            dialogue.OnConnector(null, new ConnectError("the node is spoken to over TLS", ConnectFault.Nobody));
            return;
        }

        if (pool.Addresses.Current is { } addresses)
        {
            Try(addresses);
            return;
        }

        var generation = _generation;
        pool.Addresses.LookUp(dialogue.ConnectTimeout, error =>
        {
            if (generation != _generation)
            {
                // The dialogue is over, or another one meanwhile.
                return;
            }

            if (error is { } problem)
            {
                dialogue.OnConnector(null, problem);
            }
            else
            {
                Try(pool.Addresses.Found);
            }
        });
    }

    /// <summary>Nobody waits any more.</summary>
    public void Stop() => _generation++;

    /// <summary>The last address was no good.</summary>
    /// <param name="error">The system's error.</param>
    public void GoOn(int error)
    {
        while (_next < _addresses.Length)
        {
            if (_pool!.Connect(_addresses[_next++], dialogue, out error) is { } node)
            {
                dialogue.OnConnector(node, default);
                return;
            }
        }

        dialogue.OnConnector(null, ConnectError.From(Errno.ToException(error)));
    }

    private void Try(IPEndPoint[] addresses)
    {
        (_addresses, _next) = (addresses, 0);
        GoOn(Errno.NoAddress);
    }
}
