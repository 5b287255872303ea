using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A connection to a node. It gives way when the node answers a request early and closes, as servers do that do not
/// want a body: what is written from then on is dropped, so that HttpClient gets to reading the response. Responses that
/// could be understood in two ways do not get that far. While it is idle and its node is in doubt, it ends by itself, which
/// HttpClient has no way to ask for.
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
    private readonly ResponseValidator _guard = new();
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
    public void CheckTimeouts(int now)
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

/// <summary>
/// Reads along what HttpClient reads from a node, because HttpClient takes what could be understood in two ways. It knows one
/// response from the next by the rules of <see cref="ResponseParser"/>.
/// </summary>
internal sealed class ResponseValidator
{
    private readonly ResponseHead _head = new();
    private byte[] _rest = [];
    private int _looked;
    private int _interim;
    private GuardState _state;
    private bool _isHead;
    private long _left;
    private ChunkDecoder? _chunks;

    /// <summary>A login that is bound to this connection has begun, and its response is over: nobody else is to use it.</summary>
    public bool IsPrivate => _state == GuardState.Idle && _head.BindsConnection;

    /// <summary>No response is under way.</summary>
    public bool IsIdle => _state == GuardState.Idle;

    /// <summary>Takes note of what is sent.</summary>
    public void NoteSent(ReadOnlySpan<byte> bytes)
    {
        if (_state == GuardState.Idle && !bytes.IsEmpty)
        {
            (_state, _looked, _interim, _isHead) = (GuardState.Head, 0, 0, bytes.StartsWith("HEAD "u8));
        }
    }

    /// <summary>Reads on.</summary>
    /// <returns>False when the response is not valid.</returns>
    public bool TryRead(ReadOnlySpan<byte> received)
    {
        while (!received.IsEmpty && _state is not (GuardState.Idle or GuardState.Unseen))
        {
            if (_state == GuardState.Body)
            {
                var here = (int)Math.Min(_left, received.Length);
                received = received[here..];
                _left -= here;
                _state = _left == 0 ? GuardState.Idle : GuardState.Body;
                continue;
            }

            var bytes = _rest.Length == 0 ? received : (byte[])[.. _rest, .. received];
            if (!TryRead(bytes, out var consumed))
            {
                return false;
            }

            received = bytes[consumed..];
            _rest = [];
            if (consumed == 0)
            {
                _rest = received.ToArray();
                return true;
            }
        }

        return true;
    }

    private bool TryRead(ReadOnlySpan<byte> bytes, out int consumed)
    {
        if (_state == GuardState.Chunks)
        {
            var isValid = _chunks!.TryRead(bytes, out consumed, out _);
            _state = _chunks.IsComplete ? GuardState.Idle : GuardState.Chunks;
            return isValid;
        }

        var state = ResponseParser.Parse(bytes, _looked, _head, out consumed);
        _looked = state == HeadState.Incomplete ? bytes.Length : 0;
        if (state == HeadState.Incomplete)
        {
            consumed = 0;
        }
        else if (state == HeadState.Complete && _head.IsInterim && _head.Status != StatusCodes.Status101SwitchingProtocols)
        {
            return ++_interim <= ResponseHead.MaxInterim;
        }
        else if (state == HeadState.Complete)
        {
            Begin();
        }

        return state != HeadState.Invalid;
    }

    private void Begin()
    {
        var framing = _head.Framing(_isHead);
        _left = _head.ContentLength ?? 0;
        _chunks = framing == BodyFraming.Chunked ? new ChunkDecoder() : null;
        _state = _head.IsInterim ? GuardState.Unseen : framing switch
        {
            BodyFraming.None => GuardState.Idle,
            BodyFraming.Length => GuardState.Body,
            BodyFraming.Chunked => GuardState.Chunks,
            _ => GuardState.Unseen,
        };
    }

    private enum GuardState
    {
        Idle,
        Head,
        Body,
        Chunks,
        /// <summary>Whatever comes until the end is the body, or no HTTP any more.</summary>
        Unseen,
    }
}
