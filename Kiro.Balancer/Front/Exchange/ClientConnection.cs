using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// A client's connection. It reads one request after the other, and has an exchange for the current one. An idle connection
/// holds no buffer.
/// </summary>
internal sealed partial class ClientConnection : FrontConnection
{
    /// <summary>Reads or writes in a row before other connections get their turn.</summary>
    public const int MaxStepsPerTurn = 16;

    /// <summary>
    /// How long a half-closed client waits for the next byte of its response (RFC 9112, section 9.6): it may be gone, and only
    /// a write can tell. In milliseconds.
    /// </summary>
    private const int MaxHalfClosed = 15_000;

    /// <summary>The same as Kestrel's; in milliseconds.</summary>
    private const int HeadTimeout = 30_000;

    private readonly FrontWorker _worker;
    private ClientAddress? _key;
    private IPEndPoint? _source;
    private bool _awaitsProxyHeader;
    private LingeringClose? _closing;
    private FrontExchange? _exchange;
    private BackendConnection? _private;
    private bool _needsMore;
    private bool _isReading;
    private int _unacknowledged;

    /// <param name="worker">Its loop.</param>
    /// <param name="socket">Accepted and admitted.</param>
    /// <param name="peer">The peer's address.</param>
    /// <param name="key">Under which the connection counts toward its client's limit; null when there is none.</param>
    public ClientConnection(FrontWorker worker, FrontSocket socket, IPAddress peer, ClientAddress? key)
        : base(worker.Loop, socket)
    {
        (_worker, _key) = (worker, key);
        Identity = worker.Services.Clients.Begin(ClientAddress.From(peer));
        HashSlot = worker.Services.Hash.Slot(Identity.Address);
        _awaitsProxyHeader = worker.Services.ProxyHeaders.IsRequiredFrom(Identity.Peer);
        worker.CountClient(1);
    }

    /// <summary>Whether it uses TLS.</summary>
    public bool IsSecure => _worker.Tls is not null;

    /// <summary>The header field line with the client's certificate; empty when there is none.</summary>
    public ReadOnlySpan<byte> CertificateLine => _certificateLine;

    /// <summary>The client when no header field says otherwise.</summary>
    public Client Identity { get; private set; }

    public int HashSlot { get; private set; }

    /// <summary>Whether shutdown can close it at once.</summary>
    public bool IsIdle => _exchange is null && _closing is null && !_isInHandshake && !HasPendingOutput;

    /// <summary>Whether the client has read of its pending output since <see cref="MarkUnacknowledged"/>: a slow one may take
    /// minutes until the kernel's buffer has room again.</summary>
    public bool IsReading => HasPendingOutput && Socket.Unacknowledged() < _unacknowledged;

    public override void OnEvents(EpollEvents events)
    {
        if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0)
        {
            OnClientLost();
            return;
        }

        PeerHasClosed |= (events & EpollEvents.ReadHangUp) != 0;
        IsReadable |= (events & (EpollEvents.Readable | EpollEvents.ReadHangUp)) != 0;
        if (HasPendingOutput && (events & EpollEvents.Writable) != 0)
        {
            if (!TryFlush())
            {
                OnClientLost();
                return;
            }

            if (_exchange is not null)
            {
                MarkUnacknowledged();
            }
            else if (!_isInHandshake)
            {
                RestartTimeout();
            }
        }

        if ((events & EpollEvents.ReadHangUp) != 0)
        {
            RestartHalfClosedTimeout();
        }

        OnTurn();
    }

    public override void OnTurn()
    {
        if (_closing is not null)
        {
            ContinueClosing();
        }
        else if (_isInHandshake)
        {
            ContinueHandshake();
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

    /// <summary>Keeps a backend connection with this client's login, until either side closes.</summary>
    public void KeepPrivate(BackendConnection connection)
    {
        connection.Handler = null;
        connection.ClearDeadline();
        if (_private != connection)
        {
            _private?.Close();
            _private = connection;
        }
    }

    /// <summary>The backend connection with this client's login, if any.</summary>
    public BackendConnection? TakePrivate(BackendPool pool)
    {
        if (_private is not { IsClosed: false, Handler: null } connection || connection.Pool != pool)
        {
            return null;
        }

        connection.IsReused = true;
        return connection;
    }

    /// <summary>The exchange is over.</summary>
    /// <param name="closes">Whether to close the connection.</param>
    /// <param name="linger">Whether unread input may still arrive.</param>
    public void EndExchange(bool closes, bool linger)
    {
        _exchange = null;
        if (closes || _worker.IsStopping)
        {
            BeginClosing(linger || IsReadable || HasBufferedInput);
            return;
        }

        RestartTimeout();
        Read();
    }

    /// <summary>Records how much the client has not acknowledged yet.</summary>
    public void MarkUnacknowledged() => _unacknowledged = Socket.Unacknowledged();

    /// <summary>Restarts the timeout of a half-closed client; does nothing for any other.</summary>
    public void RestartHalfClosedTimeout()
    {
        if (PeerHasClosed && _exchange is not null)
        {
            SetDeadline(MaxHalfClosed);
        }
    }

    private void Read()
    {
        if (_isReading)
        {
            // An exchange ended inside the loop below, which goes on with the next request.
            return;
        }

        _isReading = true;
        for (var turn = 0; _exchange is null && _closing is null && !_isInHandshake && !IsClosed && !HasPendingOutput; turn++)
        {
            if (turn == MaxStepsPerTurn)
            {
                Loop.QueueTurn(this);
                break;
            }

            var count = Fill(_needsMore);
            if (count == -1 && !(PeerHasClosed && !IsReadable))
            {
                break;
            }

            if (count <= 0)
            {
                CountIncompleteProxyHeader();
                Close();
                break;
            }

            var bytes = Loop.Input.AsSpan(FrontLoop.Headroom, count);
            if (_awaitsProxyHeader)
            {
                ReadProxyHeader(bytes);
            }
            else
            {
                TakeRequest(bytes);
            }
        }

        _isReading = false;
        if (_isInHandshake)
        {
            // The first record may have arrived with the PROXY header.
            ContinueHandshake();
        }
    }

    private void TakeRequest(Span<byte> bytes)
    {
        var head = _worker.RequestHead;
        switch (RequestParser.Parse(bytes, head))
        {
            case RequestState.Incomplete:
                BufferInput(bytes);
                if (!_needsMore)
                {
                    _needsMore = true;
                    SetDeadline(HeadTimeout);
                }

                return;
            case RequestState.Http2:
                HandOver(bytes);
                return;
            case RequestState.Refused:
                Refuse(head.RefusalStatus, head.Problem, head.Method == RequestMethod.Head);
                return;
        }

        if (_worker.Own.Contains(bytes.Slice(head.Path.Start, head.Path.Length)))
        {
            HandOver(bytes);
            return;
        }

        _needsMore = false;
        ClearDeadline();
        var exchange = _exchange = _worker.RentExchange();
        exchange.Begin(this, bytes, head);
        RestartHalfClosedTimeout();
    }
}
