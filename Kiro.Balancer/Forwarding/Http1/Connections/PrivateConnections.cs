namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// The backend connections of one client connection with a login that is bound to them (NTLM, Negotiate): another client's
/// requests would run as this one. HAProxy calls such connections private.
/// </summary>
internal sealed class PrivateConnections : IDisposable
{
    private static int _required;

    private readonly Lock _changing = new();
    private readonly List<ConnectionPool> _pools = [];
    private HttpMessageInvoker? _handler;
    private bool _isClosed;

    /// <summary>Whether a login has begun: from then on no connection is shared.</summary>
    public bool IsRequired { get; private set; }

    /// <summary>Whether a request authenticates its connection.</summary>
    public static bool IsLogin(HttpRequest request)
    {
        foreach (var credentials in request.Headers.Authorization)
        {
            if (credentials is not null
                && (credentials.StartsWith("NTLM", StringComparison.OrdinalIgnoreCase)
                    || credentials.StartsWith("Negotiate", StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A client's private connections, if it needs them; else null.</summary>
    public static PrivateConnections? For(HttpContext context)
    {
        // Such logins are rare: as long as there are none, requests are not checked any further.
        var begins = context.Request.Headers.Authorization.Count > 0 && IsLogin(context.Request);
        if ((!begins && Volatile.Read(ref _required) == 0) || context.Features.Get<KestrelConnection>()?.Logins is not { } logins)
        {
            return null;
        }

        if (begins)
        {
            logins.Require();
        }

        return logins.IsRequired ? logins : null;
    }

    /// <summary>A login has begun.</summary>
    public void Require()
    {
        lock (_changing)
        {
            if (!IsRequired && !_isClosed)
            {
                IsRequired = true;
                Interlocked.Increment(ref _required);
            }
        }
    }

    /// <summary>The private pool for the backend of <paramref name="shared"/>.</summary>
    public ConnectionPool PoolFor(ConnectionPool shared)
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

            var own = shared.CreateEmpty();
            _pools.Add(own);
            if (_isClosed)
            {
                own.Close();
            }

            return own;
        }
    }

    /// <summary>Makes a shared connection private.</summary>
    /// <returns>True: it can be returned.</returns>
    public bool TryAdopt(PooledConnection connection)
    {
        Require();
        connection.Pool = PoolFor(connection.Pool);
        return true;
    }

    /// <summary>The same for HttpClient: a handler of the client's own.</summary>
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
            if (IsRequired)
            {
                Interlocked.Decrement(ref _required);
            }

            foreach (var pool in _pools)
            {
                pool.Close();
            }

            _handler?.Dispose();
        }
    }
}
