namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// The connections to nodes that belong to one client's connection, because a login is bound to them (NTLM, Negotiate): another
/// client on them would be taken for this one. HAProxy calls such connections private.
/// </summary>
internal sealed class PrivateConnections : IDisposable
{
    private static int _needed;

    private readonly Lock _changing = new();
    private readonly List<ConnectionPool> _pools = [];
    private HttpMessageInvoker? _handler;
    private bool _isClosed;

    /// <summary>Whether there is a login, or the beginning of one: from then on nothing is shared.</summary>
    public bool IsNeeded { get; private set; }

    /// <summary>Whether a request logs in the connection that it comes over.</summary>
    public static bool IsLogin(HttpRequest request)
    {
        foreach (var credentials in request.Headers.Authorization)
        {
            if (credentials is not null
                && (credentials.StartsWith("NTLM", StringComparison.OrdinalIgnoreCase) || credentials.StartsWith("Negotiate", StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A client's own connections, when it needs them; else null.</summary>
    public static PrivateConnections? For(HttpContext context)
    {
        // Logins of this kind are rare: without any, no request is asked whose it is.
        var begins = context.Request.Headers.Authorization.Count > 0 && IsLogin(context.Request);
        if ((!begins && Volatile.Read(ref _needed) == 0) || context.Features.Get<ClientConnection>()?.Logins is not { } logins)
        {
            return null;
        }

        if (begins)
        {
            logins.Need();
        }

        return logins.IsNeeded ? logins : null;
    }

    /// <summary>A login has begun.</summary>
    public void Need()
    {
        lock (_changing)
        {
            if (!IsNeeded && !_isClosed)
            {
                IsNeeded = true;
                Interlocked.Increment(ref _needed);
            }
        }
    }

    /// <summary>The connections to the node of <paramref name="shared"/>.</summary>
    public ConnectionPool Like(ConnectionPool shared)
    {
        lock (_changing)
        {
            foreach (var pool in _pools)
            {
                if (pool.Backend == shared.Backend)
                {
                    return pool;
                }
            }

            var own = shared.Alike();
            _pools.Add(own);
            if (_isClosed)
            {
                own.Close();
            }

            return own;
        }
    }

    /// <summary>Takes a connection out of those that are shared.</summary>
    /// <returns>True: it can be given back.</returns>
    public bool TryAdopt(BackendConnection connection)
    {
        Need();
        connection.Pool = Like(connection.Pool);
        return true;
    }

    /// <summary>The same as one handler of HttpClient.</summary>
    public HttpMessageInvoker Handler(Func<HttpMessageInvoker> create)
    {
        lock (_changing)
        {
            return _handler ??= create();
        }
    }

    public void Dispose()
    {
        lock (_changing)
        {
            _isClosed = true;
            if (IsNeeded)
            {
                Interlocked.Decrement(ref _needed);
            }

            foreach (var pool in _pools)
            {
                pool.Close();
            }

            _handler?.Dispose();
        }
    }
}
