using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// A connection to a backend, used by one exchange at a time. A receive is always pending: on an idle connection it detects
/// at once that the backend closes it or sends data without a request; then it receives the next response.
/// </summary>
internal sealed class PooledConnection : IAbandonable, IOpenStream, IWatchedConnection, IDisposable
{
    private const int Busy = 0;
    private const int Idle = 1;
    private const int Closed = 2;

    /// <summary>
    /// How much earlier than promised a backend may close: a second, and one on each side for clocks with whole seconds.
    /// </summary>
    private const int IdleMargin = 3;

    private static readonly int IdleSeconds = (int)BackendSocket.IdleTimeout.TotalSeconds;

    private readonly Socket _socket;
    private readonly ConnectionWatch _watch;
    private readonly SslStream? _tls;
    private readonly ITransfer _receive;
    private readonly ITransfer _send;
    private int _state = Busy;
    private int _abortReason;
    private int _limit;
    private int _idleLimit = IdleSeconds;
    private int _requestsLeft = int.MaxValue;
    private int _lastActivity;
    private bool _hasBeenIdle;

    public PooledConnection(Socket socket, ConnectionPool pool, ConnectionWatch watch, SslStream? tls = null)
    {
        (_socket, Pool, _watch, _tls) = (socket, pool, watch, tls);
        _receive = tls is null ? new SocketTransfer(socket, sends: false, OnUnawaited) : new TlsTransfer(tls, sends: false, OnUnawaited);
        _send = tls is null ? new SocketTransfer(socket, sends: true) : new TlsTransfer(tls, sends: true);
        BeginReceive();
        watch.Add(this);
    }

    public ConnectionPool Pool { get; set; }

    /// <summary>The next older idle connection in the pool.</summary>
    public PooledConnection? Older { get; set; }

    /// <summary>The response head that is being read; reused.</summary>
    public ResponseHead Head { get; } = new();

    public SendBuffer Output { get; } = new();

    public ReceiveBuffer Input { get; } = new();

    /// <summary>Why the balancer aborted the exchange, if it did: what still arrives is discarded.</summary>
    public AbortReason AbortReason => (AbortReason)Volatile.Read(ref _abortReason);

    /// <summary>Neither idle nor in use.</summary>
    public bool IsClosed => Volatile.Read(ref _state) == Closed;

    /// <summary>Whether the backend has closed the connection, or sent data without a request.</summary>
    public bool IsStale(bool poll)
    {
        if (_receive.IsCompleted)
        {
            return true;
        }

        try
        {
            // What arrives right after the handshake is TLS's own: session tickets.
            return poll && (_tls is null || _hasBeenIdle) && _socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    // Of the current exchange.
    public long BytesSent { get; private set; }

    public long BytesReceived { get; private set; }

    /// <summary>Starts an exchange.</summary>
    /// <param name="limit">The idle timeout within the exchange.</param>
    public void Begin(TimeSpan limit)
    {
        _limit = (int)limit.TotalSeconds;
        BytesSent = BytesReceived = 0;
        Touch();
    }

    /// <returns>The number of bytes sent; less when the connection is lost.</returns>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        Touch();
        BytesSent += bytes.Length;
        _send.Begin(MemoryMarshal.AsMemory(bytes));
        return _send.Wait();
    }

    /// <summary>Whether a failed send certainly sent nothing.</summary>
    public bool NothingWasSent => _send.NothingMoved;

    /// <summary>Starts a receive into the buffer, after its contents.</summary>
    /// <returns>Whether it completed synchronously.</returns>
    public bool BeginReceive()
    {
        _receive.Begin(Input.Room());
        return _receive.IsCompleted;
    }

    /// <summary>
    /// The result of the pending receive: the number of bytes; 0 when the backend has closed; -1 when the connection is lost.
    /// </summary>
    public ValueTask<int> PendingReceive => _receive.Wait();

    /// <summary>Starts a receive that bypasses the buffer, which must be empty.</summary>
    public void BeginReceive(Memory<byte> bytes) => _receive.Begin(bytes);

    /// <summary>Accounts for bytes received into the buffer.</summary>
    /// <returns>False on the end of the connection, or of the exchange.</returns>
    public bool Add(int count)
    {
        Input.Add(Math.Max(0, count));
        return Note(count);
    }

    /// <summary>Accounts for bytes received past the buffer.</summary>
    public bool Note(int count)
    {
        Touch();
        BytesReceived += Math.Max(0, count);
        return count > 0 && AbortReason == AbortReason.None;
    }

    private void Touch() => Volatile.Write(ref _lastActivity, _watch.Now);

    /// <summary>
    /// Whether the backend's Keep-Alive header leaves time and requests for another exchange, so that a request which must not
    /// be repeated does not run into the close.
    /// </summary>
    public bool IsReusable()
    {
        if (Head.KeepAliveTimeout is { } timeout)
        {
            _idleLimit = Math.Min(IdleSeconds, timeout - IdleMargin);
        }

        // Some servers send the total in max, others what is left.
        _requestsLeft = Math.Min(_requestsLeft, Head.KeepAliveMax ?? int.MaxValue) - 1;
        return _idleLimit > 1 - IdleMargin && _requestsLeft > 0;
    }

    /// <summary>Ends the exchange and makes the connection idle.</summary>
    /// <returns>False when it cannot be reused; it is closed then.</returns>
    public bool TryBecomeIdle()
    {
        if (!Input.IsEmpty || AbortReason != AbortReason.None)
        {
            Dispose();
            return false;
        }

        Shrink();
        (_limit, _hasBeenIdle) = (0, true);
        BeginReceive();
        Interlocked.Exchange(ref _state, Idle);
        if (_receive.IsCompleted || AbortReason != AbortReason.None)
        {
            OnUnawaited();
            return false;
        }

        return true;
    }

    /// <summary>Takes an idle connection into use.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref _state, Busy, Idle) == Idle;

    public void CloseIdle()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Pool.Remove(this);
            // Completes the receive, which does the rest.
            Shutdown();
        }
    }

    /// <summary>Closes a connection in use. For its exchange, once nothing waits for the connection.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _state, Closed);
        CloseSocket();
        if (_receive.IsCompleted && _send.IsCompleted)
        {
            Shrink();
        }
    }

    /// <summary>Aborts the exchange, whatever its state. Thread-safe; the first reason wins.</summary>
    public void Abort(AbortReason reason)
    {
        if (Interlocked.CompareExchange(ref _abortReason, (int)reason, 0) == 0)
        {
            Shutdown();
        }
    }

    /// <summary>Enforces the idle timeouts.</summary>
    public void CheckTimeouts(int now)
    {
        var quiet = now - Volatile.Read(ref _lastActivity);
        if (Volatile.Read(ref _state) == Idle)
        {
            if (quiet > _idleLimit || (quiet > 0 && Pool.IsSuspect))
            {
                CloseIdle();
            }
        }
        else if (Volatile.Read(ref _limit) is > 0 and var limit && quiet > limit)
        {
            Abort(AbortReason.IdleTimeout);
        }
    }

    void IAbandonable.Abandon() => Abort(AbortReason.Abandoned);

    void IOpenStream.End() => Abort(AbortReason.StreamEnded);

    private void OnUnawaited()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Pool.RemoveClosed(this);
        }

        if (IsClosed)
        {
            CloseSocket();
        }
    }

    // Closing a socket during an operation would send RST instead of FIN.
    private void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The backend closed first.
        }
    }

    private void CloseSocket()
    {
        _tls?.Dispose();
        _socket.Dispose();
        _receive.Dispose();
        _send.Dispose();
        _watch.Remove(this);
    }

    private void Shrink()
    {
        Output.Shrink();
        Input.Clear();
    }
}

/// <summary>Why the balancer aborted an exchange.</summary>
internal enum AbortReason
{
    None,

    /// <summary>The client is gone, or its body is invalid.</summary>
    Client,

    /// <summary>The backend hangs.</summary>
    Abandoned,

    /// <summary>Nothing was sent or received for too long.</summary>
    IdleTimeout,

    /// <summary>An event stream was told to end.</summary>
    StreamEnded,

    /// <summary>The backend has sent its full response and does not need the rest of the request.</summary>
    Responded,
}
