using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// A client's connection: reads one request after the other, and has an exchange for the one that is under way. Between two
/// requests it holds no buffer.
/// </summary>
internal sealed partial class ClientConnection : FrontConnection
{
    /// <summary>Reads or sends in a row before others have their turn.</summary>
    public const int MaxTurns = 16;

    /// <summary>
    /// How long a client that has ended its sending waits for a byte of its response (RFC 9112, section 9.6): it may just as
    /// well be gone, and only a write can tell. In milliseconds.
    /// </summary>
    private const int MaxHalfClosed = 15_000;

    private readonly FrontWorker _worker;
    private ClientAddress? _key;
    private IPEndPoint? _source;
    private bool _awaitsHeader;
    private ClosingState? _closing;
    private FrontExchange? _exchange;
    private BackendConnection? _bound;
    private bool _needsMore;
    private bool _isReading;

    /// <param name="worker">Its loop.</param>
    /// <param name="socket">Accepted, and let in.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="key">Under which it is counted for its client; null when it is not.</param>
    public ClientConnection(FrontWorker worker, FrontSocket socket, IPAddress peer, ClientAddress? key)
        : base(worker.Loop, socket)
    {
        (_worker, _key) = (worker, key);
        Self = worker.Services.Clients.Begin(ClientAddress.From(peer));
        SelfSlot = worker.Services.Hash.Slot(Self.Address);
        _awaitsHeader = worker.Services.Introductions.AreDueFrom(Self.Peer);
        worker.CountClient(1);
    }

    /// <summary>Whether it speaks TLS.</summary>
    public bool IsSecure => _worker.Terms is not null;

    /// <summary>What nodes are told of the certificate that it has shown: a whole line; empty when it has shown none.</summary>
    public ReadOnlySpan<byte> CertificateLine => _certificateLine;

    /// <summary>Who it is when no field of a request says otherwise.</summary>
    public Client Self { get; private set; }

    public int SelfSlot { get; private set; }

    /// <summary>Begins to wait for a request, and for what comes before it.</summary>
    public void Begin()
    {
        if (_awaitsHeader)
        {
            SetDeadline((long)ProxyHeaders.Timeout.TotalMilliseconds);
        }
        else if (_worker.Terms is { } terms)
        {
            BeginHandshake(terms, []);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
        }
    }

    /// <summary>Nothing is under way: whoever stops the process need not wait for this one.</summary>
    public bool IsIdle => _exchange is null && _closing is null && !_isShakingHands && !HasUnsent;

    public override void OnEvents(Readiness events)
    {
        if ((events & (Readiness.Error | Readiness.Closed)) != 0)
        {
            Leave();
            return;
        }

        PeerHasEnded |= (events & Readiness.PeerEnded) != 0;
        IsReadable |= (events & (Readiness.Readable | Readiness.PeerEnded)) != 0;
        if (HasUnsent && (events & Readiness.Writable) != 0 && !TryFlush())
        {
            Leave();
            return;
        }

        if ((events & Readiness.PeerEnded) != 0)
        {
            LimitHalfClosed();
        }

        OnTurn();
    }

    public override void OnTurn()
    {
        if (_closing is not null)
        {
            GoOnClosing();
        }
        else if (_isShakingHands)
        {
            GoOnShakingHands();
        }
        else if (_exchange is { } exchange)
        {
            exchange.OnClientReady();
        }
        else
        {
            Read();
        }
    }

    public override void Abort()
    {
        _exchange?.OnClientGone();
        Close(byReset: true);
    }

    /// <summary>Keeps a connection to a node on which this client has logged in, until either ends.</summary>
    public void Bind(BackendConnection node)
    {
        node.User = null;
        node.ClearDeadline();
        if (_bound != node)
        {
            _bound?.Close();
            _bound = node;
        }
    }

    /// <summary>The connection on which this client has logged in at a node.</summary>
    public BackendConnection? TakeBound(BackendPool pool)
    {
        if (_bound is not { IsClosed: false, User: null } node || node.Pool != pool)
        {
            return null;
        }

        node.IsReused = true;
        return node;
    }

    /// <summary>The exchange is over.</summary>
    /// <param name="closes">Whether the connection is, too.</param>
    /// <param name="linger">Whether more may come of a request that nobody reads.</param>
    public void EndExchange(bool closes, bool linger)
    {
        _exchange = null;
        if (closes || _worker.IsStopping)
        {
            BeginClosing(linger || IsReadable || HasStored);
            return;
        }

        SetDeadline(_worker.IdleTimeout);
        Read();
    }

    /// <summary>Sends the balancer's own response.</summary>
    public void SendError(int status, string problem, bool isHead, bool closes, string? accept = null, int? retryAfter = null)
    {
        var connection = closes || _worker.IsStopping || _worker.Services.Drain.IsDraining ? "close" : "";
        var page = ErrorPage.IsFor(status, accept) ? _worker.Services.ErrorPage.Value : null;
        _ = TrySend(FrontError.Write(status, problem, page, isHead, connection, _worker.Date.Line, retryAfter));
    }

    /// <summary>Closes it at once.</summary>
    public void Close(bool byReset = false)
    {
        if (!IsClosed)
        {
            _bound?.Close();
            if (_isShakingHands)
            {
                EndHandshake(Tls!);
            }

            if (!byReset)
            {
                Cipher?.SayEnd();
            }

            Release(byReset);
            _worker.Services.Limit.Leave();
            if (_key is { } key)
            {
                _worker.Services.PerClient.Leave(key);
            }

            _worker.CountClient(-1);
        }
    }

    internal override void OnDeadline()
    {
        if (_closing is { } closing)
        {
            Close(closing.ByReset || HasUnsent);
        }
        else if (_awaitsHeader)
        {
            RefuseIntroduction();
        }
        else if (_isShakingHands)
        {
            Close();
        }
        else if (_exchange is not null && PeerHasEnded)
        {
            Leave();
        }
        else if (_exchange is { } exchange)
        {
            exchange.OnClientDeadline();
        }
        else if (_needsMore)
        {
            Refuse(StatusCodes.Status408RequestTimeout, "the head of the request did not come in time", isHead: false);
        }
        else
        {
            Close();
        }
    }

    private void Leave()
    {
        _exchange?.OnClientGone();
        _exchange = null;
        Close();
    }

    /// <summary>Gives a client that has ended its sending its time anew; any other has none.</summary>
    public void LimitHalfClosed()
    {
        if (PeerHasEnded && _exchange is not null)
        {
            SetDeadline(MaxHalfClosed);
        }
    }

    private void Refuse(int status, string problem, bool isHead)
    {
        _worker.Services.Own.Record(status);
        SendError(status, problem, isHead, closes: true);
        BeginClosing(linger: true);
    }
}
