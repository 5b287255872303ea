using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>One attempt to send a request to a backend, over an idle connection or a new one.</summary>
internal sealed partial class BackendDialogue : IBackendUser, IWaiter
{
    private readonly FrontWorker _worker;
    private readonly FrontExchange _exchange;
    private readonly OutgoingRequest _outgoing;
    private readonly RequestPump _body;
    private readonly ResponsePump _response;
    private readonly BackendConnector _connector;
    private FrontAttempt _attempt;
    private BackendPool? _pool;
    private BackendConnection? _node;
    private FrontStream? _stream;
    private bool _isSendLost;
    private bool _hasResponded;
    private bool _mayReuse;
    private long _idleTime;
    private int _interim;
    private int _timeout;

    public BackendDialogue(FrontWorker worker, FrontExchange exchange, OutgoingRequest outgoing, RequestPump body)
    {
        (_worker, _exchange, _outgoing, _body) = (worker, exchange, outgoing, body);
        _response = new ResponsePump(worker.Loop, worker.ResponseHead);
        _connector = new BackendConnector(this);
    }

    IWaiter? IWaiter.NextWaiter { get; set; }

    IWaiter? IWaiter.PreviousWaiter { get; set; }

    bool IWaiter.IsWaiting { get; set; }

    /// <summary>The response has started: the request can no longer be retried.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>The response's status.</summary>
    public int Status { get; private set; }

    /// <summary>Null when unknown.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the client's connection closes after the response.</summary>
    public bool ClosesClient { get; private set; }

    /// <summary>Whether the response is delimited by the close of the client's connection.</summary>
    public bool EndsWithConnection { get; private set; }

    public TimeSpan ConnectTimeout => _worker.Services.Timeouts.Value.Connect;

    /// <summary>Starts an attempt.</summary>
    /// <param name="pool">The backend's.</param>
    /// <param name="isAwaited">Whether the backend gets the whole request at once, and owes a response from now on.</param>
    public void Begin(BackendPool pool, bool isAwaited)
    {
        (_pool, _hasResponded, _mayReuse, _interim, HasStarted, Status, ContentLength) = (pool, false, false, 0, false, 0, null);
        _timeout = (int)_worker.Services.Timeouts.Value.Exchange.TotalMilliseconds;
        _attempt.Begin(pool, isAwaited, _worker.Loop.Timestamp);
        if (_exchange.MayBeRepeated)
        {
            pool.Waiting.Add(this);
        }

        SendOverKept();
    }

    /// <summary>The client's connection is readable or writable.</summary>
    public void OnClientReady()
    {
        if (_node is { IsConnecting: false })
        {
            Touch();
            Run();
        }
    }

    /// <summary>The deadline for 100 Continue, or for the end of a tunnel, has passed.</summary>
    public void OnClientDeadline()
    {
        if (_stream is not null)
        {
            Complete();
        }
        else if (_body.State == BodyState.Held && _node is not null)
        {
            // The backend does not support 100 Continue, and the client waits for it.
            _body.Release();
            _ = _exchange.Client.TrySend("HTTP/1.1 100 Continue\r\n\r\n"u8);
            Run();
        }
    }

    /// <summary>The backend hangs: fails over, if that is possible.</summary>
    public void Abandon()
    {
        if (_exchange.TryFailOver())
        {
            Fail(RequestFailure.BackendHung);
        }
    }

    public void OnConnector(BackendConnection? node, ConnectError error)
    {
        if (node is null)
        {
            Fail(RequestFailure.From(error));
            return;
        }

        Use(node);
        if (!node.IsConnecting)
        {
            Run();
        }
    }

    void IBackendUser.OnConnected(int error)
    {
        if (error != 0)
        {
            _node!.Close();
            _node = null;
            _connector.GoOn(error);
        }
        else
        {
            _attempt.Runtime.Traffic.Connect();
            Touch();
        }
    }

    void IBackendUser.OnBackendDeadline()
    {
        if (_node!.IsConnecting)
        {
            _node.Close();
            _node = null;
            _connector.GoOn(Errno.TimedOut);
        }
        else if (_exchange.Client.HasUnsent || (_hasResponded && !_node.HasUnsent))
        {
            var client = _exchange.Client;
            _exchange.OnClientGone();
            client.Close(byReset: true);
        }
        else if (!HasStarted && _body.State == BodyState.Flowing && _outgoing.IsSent && !_node.HasUnsent)
        {
            _exchange.FailClient(StatusCodes.Status408RequestTimeout, "the body did not come in time");
        }
        else
        {
            Fail(HasStarted ? RequestFailure.StalledResponse : RequestFailure.ResponseTimeout);
        }
    }

    void IBackendUser.OnBackendBroken() => Fail(RequestFailure.NoResponse);

    private void SendOverKept()
    {
        while ((_exchange.Client.TakeBound(_pool!) ?? _pool!.TryTake()) is { } node)
        {
            if (!_exchange.MayBeRepeated && node.Socket.HasInput())
            {
                // A request that must not be repeated needs to know that the backend has closed the connection before it is sent.
                _pool!.DropSpoilt(node);
                continue;
            }

            Use(node);
            if (_outgoing.SendTo(node) != Sending.Lost || node.HasSent)
            {
                Run();
                return;
            }

            node.Close();
            _node = null;
        }

        _connector.Start(_pool!, ConnectTimeout);
    }

    private void Use(BackendConnection node)
    {
        (_node, node.User, _isSendLost) = (node, this, false);
        (node.Sent, node.Received) = (0, 0);
        node.IsBound |= _exchange.BindsConnection;
        _outgoing.Rewind();
        _response.Begin();
        node.SetDeadline(node.IsConnecting ? (int)ConnectTimeout.TotalMilliseconds : _timeout);
        if (_body.State == BodyState.Held)
        {
            _exchange.Client.SetDeadline((long)ForwardingTimeouts.Continue.TotalMilliseconds);
        }
    }

    private void Touch() => _node!.SetDeadline(_timeout);

    private void Lose()
    {
        var (node, unsent, untouched) = (_node!, !_node!.HasSent, _response.IsUntouched);
        if (node.IsReused && (unsent || (untouched && _exchange.MayBeRepeated)))
        {
            // The backend closed the connection while it was idle, or is shutting down: only a new connection can tell.
            node.Close();
            _node = null;
            if (unsent)
            {
                SendOverKept();
            }
            else
            {
                _connector.Start(_pool!, ConnectTimeout);
            }

            return;
        }

        Fail(HasStarted ? RequestFailure.BrokenResponse : unsent ? RequestFailure.NoResponse with { Point = FailurePoint.Connect } : RequestFailure.NoResponse);
    }

    /// <summary>Ends the attempt, whatever its state.</summary>
    public void Close()
    {
        _pool?.Waiting.Remove(this);
        _connector.Stop();
        _stream?.Leave();
        _stream = null;
        _node?.Close();
        _node = null;
        _attempt.End();
    }

    /// <summary>Resets the result.</summary>
    public void Forget() => (_pool, HasStarted, Status, ContentLength) = (null, false, 0, null);

    private void Complete()
    {
        var node = _node!;
        _attempt.Record(Status, node);
        if (_mayReuse && _response.IsClean && _body.State == BodyState.Complete && !_isSendLost && !node.HasUnsent && !node.HasStored
            && !node.PeerHasEnded && !(node.IsReadable && node.Socket.HasInput()))
        {
            _node = null;
            if (node.IsBound)
            {
                _exchange.Client.Bind(node);
            }
            else
            {
                node.Pool.Return(node, _idleTime);
            }
        }

        Close();
        _exchange.Finish();
    }

    private void Fail(RequestFailure failure)
    {
        Close();
        _exchange.Fail(failure);
    }
}
