using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>One try of a request at one node, over a kept connection or a new one: both directions at once.</summary>
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

    /// <summary>From here on the response is the client's, and no other one can be.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Of the response that has started.</summary>
    public int Status { get; private set; }

    /// <summary>Null when it is not known.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the client's connection ends with the response.</summary>
    public bool ClosesClient { get; private set; }

    /// <summary>Whether the client takes the end of the connection for the end of the response.</summary>
    public bool EndsWithConnection { get; private set; }

    /// <summary>How long a node may take to accept a connection.</summary>
    public TimeSpan ConnectTimeout => _worker.Services.Timeouts.Value.Connect;

    /// <summary>Begins a try.</summary>
    /// <param name="pool">The node's.</param>
    /// <param name="isAwaited">Whether the node has all of the request at once.</param>
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

    /// <summary>The client has sent something, or has room for more.</summary>
    public void OnClientReady()
    {
        if (_node is { IsConnecting: false })
        {
            Touch();
            Run();
        }
    }

    /// <summary>For now only who waits for "100 Continue" has one, and a tunnel that must end.</summary>
    public void OnClientDeadline()
    {
        if (_stream is not null)
        {
            Complete();
        }
        else if (_body.State == BodyState.Held && _node is not null)
        {
            // The node does not know it, and the client waits for somebody's word.
            _body.Release();
            _ = _exchange.Client.TrySend("HTTP/1.1 100 Continue\r\n\r\n"u8);
            Run();
        }
    }

    /// <summary>Ends it, whatever it waits for.</summary>
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

    /// <summary>Nothing is left of it.</summary>
    public void Forget() => (_pool, HasStarted, Status, ContentLength) = (null, false, 0, null);

    /// <summary>The node is known to hang: wait no longer, if there is anything better.</summary>
    public void Abandon()
    {
        if (_exchange.TryFailOver())
        {
            Fail(RequestFailure.BackendHung);
        }
    }

    void IBackendUser.OnBackendReady()
    {
        if (_node is { IsConnecting: false })
        {
            Run();
        }
    }

    /// <summary>The stream of events, or the tunnel, has to end.</summary>
    public void EndStream()
    {
        if (_stream!.TryEnd(_exchange.Client))
        {
            // The client has a while to close its side.
            _exchange.Client.SetDeadline(FrontStream.Patience);
            return;
        }

        if (!_response.TryEnd(_exchange.Client))
        {
            EndsWithConnection = ClosesClient = true;
        }

        Complete();
    }

    // Ends in at most one call that is the exchange's last; nothing may follow it here.
    private void Run()
    {
        if (!_isSendLost && !TrySend())
        {
            return;
        }

        if (_hasResponded)
        {
            if (_body.State != BodyState.Flowing || _isSendLost)
            {
                Complete();
            }

            return;
        }

        while (true)
        {
            var step = _response.Run(_exchange.Client, _node!, out var hasMoved);
            if (hasMoved)
            {
                Touch();
                _exchange.Client.LimitHalfClosed();
            }

            if (step == ResponseStep.Head)
            {
                step = OnHead();
                if (step is ResponseStep.Head or ResponseStep.Waits)
                {
                    // There may be more already: another head, the rest, the end.
                    continue;
                }
            }

            OnStep(step);
            return;
        }
    }

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
