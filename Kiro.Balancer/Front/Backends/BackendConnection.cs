using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Tls;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Handles what happens on a connection to a backend.</summary>
internal interface IBackendConnectionHandler
{
    /// <summary>The connector has a connection, which may still be connecting, or has failed.</summary>
    void OnConnectionAcquired(BackendConnection? connection, ConnectError error);

    /// <summary>The connect has completed, with TLS including the handshake.</summary>
    /// <param name="error">0, or the system's error.</param>
    void OnConnected(int error);

    /// <summary>The TLS handshake begins, with a timeout of its own.</summary>
    void OnHandshakeBegun();

    /// <summary>The TLS handshake has failed.</summary>
    void OnHandshakeFailed(ConnectError error);

    /// <summary>The connection is readable or writable.</summary>
    void OnBackendReady();

    /// <summary>Buffered output could not be sent: the backend has closed. It may have responded before it did.</summary>
    void OnSendFailed();

    /// <summary>The connect timeout or the idle timeout has expired.</summary>
    void OnBackendTimeout();

    /// <summary>An internal error.</summary>
    void OnBackendAborted();
}

/// <summary>A connection to a backend, used by one exchange at a time, or idle in its <see cref="BackendPool"/>.</summary>
internal sealed class BackendConnection(FrontLoop loop, FrontSocket socket, BackendPool pool) : FrontConnection(loop, socket)
{
    private string? _certificateProblem;

    public BackendPool Pool { get; } = pool;

    /// <summary>Null while it is idle.</summary>
    public IBackendConnectionHandler? Handler { get; set; }

    /// <summary>Until the connection is established, with TLS including the handshake.</summary>
    public bool IsConnecting { get; set; }

    /// <summary>Whether it waits for the end of the TLS handshake.</summary>
    public bool IsInHandshake => IsConnecting && Cipher is not null;

    /// <summary>Whether it has served an exchange before this one.</summary>
    public bool IsReused { get; set; }

    /// <summary>Whether a login is bound to it (NTLM, Negotiate): it then serves one client connection and no other.</summary>
    public bool IsPrivate { get; set; }

    /// <summary>Whether the backend has, or may have, received part of the current request.</summary>
    public bool HasSent => BytesSent > 0;

    /// <summary>The next older idle connection in the pool.</summary>
    public BackendConnection? Older { get; set; }

    /// <summary>The next newer idle connection in the pool.</summary>
    public BackendConnection? Newer { get; set; }

    public override void OnEvents(EpollEvents events)
    {
        const EpollEvents End = EpollEvents.ReadHangUp | EpollEvents.HangUp | EpollEvents.Error;
        if (IsConnecting && !IsInHandshake)
        {
            if ((events & (EpollEvents.Writable | EpollEvents.Error | EpollEvents.HangUp)) == 0)
            {
                return;
            }

            OnConnected(Socket.ConnectError());
            if (IsClosed)
            {
                return;
            }
        }

        PeerHasClosed |= (events & End) != 0;
        IsReadable |= (events & (EpollEvents.Readable | End)) != 0;
        if (Handler is not { } handler)
        {
            if (IsReadable && HasUnexpectedInput())
            {
                Pool.CloseStale(this);
            }

            return;
        }

        var isLost = HasPendingOutput && (events & (EpollEvents.Writable | End)) != 0 && !TryFlush();
        if (isLost)
        {
            DiscardOutput();
        }

        if (IsInHandshake && !TryCompleteHandshake(handler))
        {
            return;
        }

        if (isLost)
        {
            handler.OnSendFailed();
        }
        else
        {
            handler.OnBackendReady();
        }
    }

    /// <summary>Whether the connection can serve another request: nothing is pending, and nothing has arrived after the response.</summary>
    public bool IsReusable() =>
        !HasPendingOutput && !HasBufferedInput && !PeerHasClosed && !(IsReadable && HasUnexpectedInput())
        && Cipher is not TlsSession { HasPartialRecord: true };

    /// <summary>Whether data that belongs to no response has arrived, or the end. Records of TLS without data, such as session tickets, are
    /// neither.</summary>
    public bool HasUnexpectedInput()
    {
        if (Cipher is null)
        {
            return Socket.HasInput();
        }

        var room = Loop.Buffers.Rent(TlsSession.MaxPlaintext);
        var count = Receive(room);
        Loop.Buffers.Return(room);
        return count != -1;
    }

    /// <summary>Sends FIN: no more data follows.</summary>
    public void ShutdownWrite()
    {
        Cipher?.SendCloseNotify();
        Socket.ShutdownWrite();
    }

    public override void OnTurn() => Handler?.OnBackendReady();

    public override void Abort()
    {
        if (Handler is { } handler)
        {
            handler.OnBackendAborted();
        }

        Close();
    }

    /// <summary>Closes it, in use or idle.</summary>
    public void Close()
    {
        Handler = null;
        Pool.Remove(this);
        if (!IsClosed)
        {
            Cipher?.SendCloseNotify();
            Release(byReset: false);
        }
    }

    internal override void OnDeadline()
    {
        if (Handler is { } handler)
        {
            handler.OnBackendTimeout();
        }
        else
        {
            Close();
        }
    }

    // With TLS, the handshake follows.
    private void OnConnected(int error)
    {
        if (error == 0 && Pool.Tls is { } tls)
        {
            Cipher = tls.Begin(this, Pool.Runtime.Backend, problem => _certificateProblem = problem);
            Handler!.OnHandshakeBegun();
        }
        else
        {
            IsConnecting = false;
            Handler!.OnConnected(error);
        }
    }

    private bool TryCompleteHandshake(IBackendConnectionHandler handler)
    {
        var tls = (TlsSession)Cipher!;
        switch (tls.Continue())
        {
            case HandshakeState.Done:
                IsConnecting = false;
                // The backend's session tickets may have arrived already.
                IsReadable = true;
                handler.OnConnected(0);
                return !IsClosed;
            case HandshakeState.Failed:
                handler.OnHandshakeFailed(ConnectError.From(BackendTlsException.From(tls.Error ?? new EndOfStreamException("unexpected EOF"), _certificateProblem)));
                return false;
            default:
                return false;
        }
    }
}
