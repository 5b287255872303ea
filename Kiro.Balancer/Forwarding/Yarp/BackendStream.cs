using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A connection to a node. It gives way when the node answers a request early and closes, as servers do that do not
/// want a body: what is written from then on is dropped, so that HttpClient gets to reading the response. Responses that
/// could be understood in two ways do not get that far. While it is idle and its node is in doubt, it ends by itself, which
/// HttpClient has no way to ask for.
/// </summary>
internal sealed class BackendStream : RelayStream, IWatchedConnection
{
    private const int Busy = 0;
    private const int Idle = 1;
    private const int Closed = 2;

    private readonly Socket _socket;
    private readonly bool _isShared;
    private readonly BackendRuntime? _node;
    private readonly ConnectionWatch _watch;
    private readonly ResponseGuard _guard = new();
    private bool _hasResponded;
    private int _state = Idle;
    private int _idleSince;

    /// <param name="inner">The connection, perhaps over TLS.</param>
    /// <param name="socket">Below it.</param>
    /// <param name="isShared">Whether requests of different clients go over it.</param>
    /// <param name="node">The other end.</param>
    /// <param name="watch">Looks at the time for it.</param>
    public BackendStream(Stream inner, Socket socket, bool isShared, BackendRuntime? node, ConnectionWatch watch)
        : base(inner)
    {
        (_socket, _isShared, _node, _watch, _idleSince) = (socket, isShared, node, watch, watch.Now);
        watch.Add(this);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if ((_isShared && _guard.IsPrivate) || Volatile.Read(ref _state) == Closed)
        {
            return 0;
        }

        // HttpClient reads before it uses a connection again; without a buffer it only looks whether that has ended.
        if (buffer.Length > 0 && Interlocked.CompareExchange(ref _state, Busy, Idle) == Closed)
        {
            return 0;
        }

        var count = await base.ReadAsync(buffer, cancellationToken);
        if (!_guard.TryRead(buffer.Span[..count]))
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The response is not valid HTTP.");
        }

        if (_guard.IsIdle)
        {
            _idleSince = _watch.Now;
            Interlocked.CompareExchange(ref _state, Idle, Busy);
        }

        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_hasResponded)
        {
            return ValueTask.CompletedTask;
        }

        if (Interlocked.CompareExchange(ref _state, Busy, Idle) == Closed)
        {
            // Nothing was sent: the request may go to another node, whatever it is.
            var closed = new ClosedWhileIdleException();
            return ValueTask.FromException(new HttpRequestException(HttpRequestError.ConnectionError, closed.Message, closed));
        }

        _guard.NoteSent(buffer.Span);
        var write = base.WriteAsync(buffer, cancellationToken);
        return write.IsCompletedSuccessfully ? write : WatchAsync(write);
    }

    /// <summary>It may hold a thread of the node that the probe waits for.</summary>
    public void LookAtTime(int now)
    {
        if (_node?.IsDoubted == true && Volatile.Read(ref _state) == Idle && now > Volatile.Read(ref _idleSince))
        {
            CloseIdle();
        }
    }

    public void CloseIdle()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Idle) != Idle)
        {
            return;
        }

        try
        {
            // HttpClient finds out when it wants to use it, or looks whether it is of use.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The node, or HttpClient, was faster.
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _watch.Remove(this);
        }

        base.Dispose(disposing);
    }

    private async ValueTask WatchAsync(ValueTask write)
    {
        try
        {
            await write;
        }
        catch (IOException closed) when (_socket.Available > 0)
        {
            _hasResponded = true;
            throw new EarlyResponseException(closed);
        }
    }
}

/// <summary>The node closed the connection before it had the whole request, but sent a response first.</summary>
internal sealed class EarlyResponseException(IOException closed) : IOException("The node answered before it had the whole request.", closed);
