using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A connection to a backend below HttpClient. If the backend responds early and closes, as servers do that refuse a body, the rest of the
/// request is dropped so that HttpClient reads the response. Ambiguous responses are rejected. It closes when its backend is suspect while it is
/// idle, which HttpClient cannot be asked to do.
/// </summary>
internal sealed class BackendStream : DelegatingStream, IWatchedConnection
{
    private const int Busy = 0;
    private const int Idle = 1;
    private const int Closed = 2;

    private readonly Socket _socket;
    private readonly bool _isShared;
    private readonly BackendRuntime? _node;
    private readonly ConnectionWatch _watch;
    private readonly ResponseValidator _validator = new();
    private bool _hasResponded;
    private int _state = Idle;
    private int _idleSince;

    /// <param name="inner">The connection, with TLS if any.</param>
    /// <param name="socket">Its socket.</param>
    /// <param name="isShared">Whether different clients use it.</param>
    /// <param name="node">The backend.</param>
    /// <param name="watch">Closes it while it is idle and the backend is suspect.</param>
    public BackendStream(Stream inner, Socket socket, bool isShared, BackendRuntime? node, ConnectionWatch watch)
        : base(inner)
    {
        (_socket, _isShared, _node, _watch, _idleSince) = (socket, isShared, node, watch, watch.Now);
        watch.Add(this);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if ((_isShared && _validator.IsPrivate) || Volatile.Read(ref _state) == Closed)
        {
            return 0;
        }

        // HttpClient reads before it reuses a connection; a read without a buffer only checks whether the connection has closed.
        if (buffer.Length > 0 && Interlocked.CompareExchange(ref _state, Busy, Idle) == Closed)
        {
            return 0;
        }

        var count = await base.ReadAsync(buffer, cancellationToken);
        if (!_validator.TryRead(buffer.Span[..count]))
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The response is not valid HTTP.");
        }

        if (_validator.IsIdle)
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
            // Nothing was sent, so any request may be retried.
            var closed = new ClosedWhileIdleException();
            return ValueTask.FromException(new HttpRequestException(HttpRequestError.ConnectionError, closed.Message, closed));
        }

        _validator.OnSent(buffer.Span);
        var write = base.WriteAsync(buffer, cancellationToken);
        return write.IsCompletedSuccessfully ? write : WatchAsync(write);
    }

    /// <summary>Closes the connection while its backend is suspect: it may occupy a thread that the probe needs.</summary>
    public void CheckTimeouts(int now)
    {
        if (_node?.IsSuspect == true && Volatile.Read(ref _state) == Idle && now > Volatile.Read(ref _idleSince))
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
            // HttpClient notices on the next use.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // Already closed.
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

/// <summary>The backend closed before it had the whole request, but had sent a response.</summary>
internal sealed class EarlyResponseException(IOException closed) : IOException("The backend responded before it had the whole request.", closed);
