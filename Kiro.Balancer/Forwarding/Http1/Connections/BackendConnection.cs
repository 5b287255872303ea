using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// A connection to a node, used by one exchange at a time. A receive is always under way: while the connection is idle
/// it tells at once when the node closes it or says something unasked, and then it brings the next response.
/// </summary>
internal sealed partial class BackendConnection : IAbandonable, IOpenStream, IWatchedConnection, IDisposable
{
    private const int Busy = 0;
    private const int Idle = 1;
    private const int Closed = 2;

    /// <summary>What a node may take off the time that it promises: a second, and one on each side for a clock of whole seconds.</summary>
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
    private bool _wasIdle;

    /// <param name="socket">Connected.</param>
    /// <param name="pool">Where it is kept while it is idle.</param>
    /// <param name="watch">Looks at the time for it.</param>
    /// <param name="tls">Over the socket, for a node that is spoken to over TLS; else null.</param>
    public BackendConnection(Socket socket, ConnectionPool pool, ConnectionWatch watch, SslStream? tls = null)
    {
        (_socket, Pool, _watch, _tls) = (socket, pool, watch, tls);
        _receive = tls is null ? new SocketTransfer(socket, sends: false, OnUnawaited) : new TlsTransfer(tls, sends: false, OnUnawaited);
        _send = tls is null ? new SocketTransfer(socket, sends: true) : new TlsTransfer(tls, sends: true);
        BeginReceive();
        watch.Add(this);
    }

    /// <summary>Where it is kept while it is idle.</summary>
    public ConnectionPool Pool { get; set; }

    /// <summary>The idle connection under this one in the pool.</summary>
    public BackendConnection? Below { get; set; }

    /// <summary>The fields of the response that is being read; kept to be used again.</summary>
    public ResponseHead Head { get; } = new();

    /// <summary>What is to be sent next.</summary>
    public SendBuffer Output { get; } = new();

    /// <summary>What was received.</summary>
    public ReceiveBuffer Input { get; } = new();

    /// <summary>Why the balancer itself has cut the exchange off, if it has: what still comes is not wanted any more.</summary>
    public AbortReason AbortReason => (AbortReason)Volatile.Read(ref _abortReason);

    /// <summary>Neither idle nor in use any more.</summary>
    public bool IsClosed => Volatile.Read(ref _state) == Closed;

    /// <summary>The node has closed the connection, or sent something, although it was not asked anything.</summary>
    public bool IsSpoilt(bool lookAgain)
    {
        if (_receive.IsCompleted)
        {
            return true;
        }

        try
        {
            // What comes right behind a handshake is TLS's own: tickets.
            return lookAgain && (_tls is null || _wasIdle) && _socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Bytes that this exchange has sent.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Bytes that this exchange has received.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Begins an exchange.</summary>
    /// <param name="limit">For how long it may stand still.</param>
    public void Begin(TimeSpan limit)
    {
        _limit = (int)limit.TotalSeconds;
        BytesSent = BytesReceived = 0;
        Touch();
    }

    /// <returns>The number of bytes taken; -1 and what was taken before when the connection is lost.</returns>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        Touch();
        BytesSent += bytes.Length;
        _send.Begin(MemoryMarshal.AsMemory(bytes));
        return _send.Wait();
    }

    /// <summary>A send that failed had not given anything to the network.</summary>
    public bool NothingWasSent => _send.NothingMoved;

    /// <summary>Begins to receive into the buffer, behind what is in it.</summary>
    /// <returns>Whether it is done already.</returns>
    public bool BeginReceive()
    {
        _receive.Begin(Input.Room());
        return _receive.IsCompleted;
    }

    /// <summary>The end of a receive that was begun: a number of bytes; 0 when the node has closed; -1 when the connection is
    /// lost.</summary>
    public ValueTask<int> Receipt => _receive.Wait();

    /// <summary>Begins to receive past the buffer, which must be empty.</summary>
    public void BeginReceive(Memory<byte> bytes) => _receive.Begin(bytes);

    /// <summary>Takes note of what was received into the buffer.</summary>
    /// <returns>False when nothing was, or nothing that is still wanted.</returns>
    public bool Add(int count)
    {
        Input.Add(Math.Max(0, count));
        return Note(count);
    }

    /// <summary>The same for what was received past the buffer.</summary>
    public bool Note(int count)
    {
        Touch();
        BytesReceived += Math.Max(0, count);
        return count > 0 && AbortReason == AbortReason.None;
    }

    private void Touch() => Volatile.Write(ref _lastActivity, _watch.Now);
}
