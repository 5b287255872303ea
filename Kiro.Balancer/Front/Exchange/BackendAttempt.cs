using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>One attempt to send a request to a backend, over an idle connection or a new one.</summary>
internal sealed partial class BackendAttempt : IBackendConnectionHandler, IWaitingAttempt
{
    private readonly FrontWorker _worker;
    private readonly FrontExchange _exchange;
    private readonly OutgoingRequest _outgoing;
    private readonly RequestBodyPump _body;
    private readonly ResponsePump _response;
    private readonly BackendConnector _connector;
    private AttemptCounters _counters;
    private BackendPool? _pool;
    private BackendConnection? _connection;
    private FrontStream? _stream;
    private bool _hasSendFailed;
    private bool _hasResponded;
    private bool _mayReuse;
    private long _idleTime;
    private int _interim;
    private int _timeout;

    public BackendAttempt(FrontWorker worker, FrontExchange exchange, OutgoingRequest outgoing, RequestBodyPump body)
    {
        (_worker, _exchange, _outgoing, _body) = (worker, exchange, outgoing, body);
        _response = new ResponsePump(worker.Loop, worker.ResponseHead);
        _connector = new BackendConnector(this);
    }

    IWaitingAttempt? IWaitingAttempt.NextWaiting { get; set; }

    IWaitingAttempt? IWaitingAttempt.PreviousWaiting { get; set; }

    bool IWaitingAttempt.IsWaiting { get; set; }

    /// <summary>The response has started: the request can no longer be retried.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>The response's status.</summary>
    public int Status { get; private set; }

    /// <summary>Null when unknown.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the client's connection closes after the response.</summary>
    public bool ClosesClient { get; private set; }

    /// <summary>Whether the response is delimited by the close of the client's connection.</summary>
    public bool IsCloseDelimited { get; private set; }

    public TimeSpan ConnectTimeout => _worker.Services.Timeouts.Value.Connect;

    /// <summary>Starts an attempt.</summary>
    /// <param name="pool">The backend's.</param>
    /// <param name="isAwaited">Whether the backend gets the whole request at once, and owes a response from now on.</param>
    public void Begin(BackendPool pool, bool isAwaited)
    {
        (_pool, _hasResponded, _mayReuse, _interim, HasStarted, Status, ContentLength) = (pool, false, false, 0, false, 0, null);
        _timeout = (int)_worker.Services.Timeouts.Value.Exchange.TotalMilliseconds;
        _counters.Begin(pool, isAwaited, _worker.Loop.Timestamp);
        if (_exchange.MayBeRepeated)
        {
            pool.Waiting.Add(this);
        }

        SendOnIdleConnection();
    }

    /// <summary>The client's connection is readable or writable.</summary>
    public void OnClientReady()
    {
        if (_connection is { IsConnecting: false })
        {
            ResetTimeout();
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
        else if (_body.State == BodyState.AwaitingContinue && _connection is not null)
        {
            // The backend does not support 100 Continue, and the client waits for it.
            _body.Resume();
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

    public void OnConnectionAcquired(BackendConnection? connection, ConnectError error)
    {
        if (connection is null)
        {
            Fail(RequestFailure.From(error));
            return;
        }

        Attach(connection);
        if (!connection.IsConnecting)
        {
            Run();
        }
    }

    void IBackendConnectionHandler.OnConnected(int error)
    {
        if (error != 0)
        {
            _connection!.Close();
            _connection = null;
            _connector.TryNext(error);
        }
        else
        {
            _counters.Runtime.Traffic.CountConnect();
            ResetTimeout();
        }
    }

    void IBackendConnectionHandler.OnHandshakeBegun() => _connection!.SetDeadline((int)ConnectTimeout.TotalMilliseconds);

    void IBackendConnectionHandler.OnHandshakeFailed(ConnectError error) => Fail(RequestFailure.From(error));

    void IBackendConnectionHandler.OnBackendTimeout()
    {
        if (_connection!.IsInHandshake)
        {
            Fail(RequestFailure.From(ConnectError.From(BackendTlsException.TimedOut(ConnectTimeout))));
        }
        else if (_connection.IsConnecting)
        {
            _connection.Close();
            _connection = null;
            _connector.TryNext(Errno.TimedOut);
        }
        else if (_exchange.Client.IsReading)
        {
            _exchange.Client.MarkUnacknowledged();
            ResetTimeout();
        }
        else if (_exchange.Client.HasPendingOutput || (_hasResponded && !_connection.HasPendingOutput))
        {
            var client = _exchange.Client;
            _exchange.OnClientGone();
            client.Close(byReset: true);
        }
        else if (!HasStarted && _body.State == BodyState.Streaming && _outgoing.IsSent && !_connection.HasPendingOutput)
        {
            _exchange.FailClient(StatusCodes.Status408RequestTimeout, "the request body did not arrive in time");
        }
        else
        {
            Fail(HasStarted ? RequestFailure.StalledResponse : RequestFailure.ResponseTimeout);
        }
    }

    void IBackendConnectionHandler.OnBackendAborted() => Fail(RequestFailure.NoResponse);

    private void SendOnIdleConnection()
    {
        while ((_exchange.Client.TakePrivate(_pool!) ?? _pool!.TryTake()) is { } connection)
        {
            if (!_exchange.MayBeRepeated && connection.HasUnexpectedInput())
            {
                // A request that must not be repeated needs to know that the backend has closed the connection before it is sent.
                _pool!.CloseStale(connection);
                continue;
            }

            Attach(connection);
            if (_outgoing.SendTo(connection) != SendResult.Failed || connection.HasSent)
            {
                Run();
                return;
            }

            connection.Close();
            _connection = null;
        }

        _connector.Start(_pool!, ConnectTimeout);
    }

    private void Attach(BackendConnection connection)
    {
        (_connection, connection.Handler, _hasSendFailed) = (connection, this, false);
        (connection.BytesSent, connection.BytesReceived) = (0, 0);
        connection.IsPrivate |= _exchange.BindsConnection;
        _outgoing.Rewind();
        _response.Begin();
        connection.SetDeadline(connection.IsConnecting ? (int)ConnectTimeout.TotalMilliseconds : _timeout);
        if (_body.State == BodyState.AwaitingContinue)
        {
            _exchange.Client.SetDeadline((long)ForwardingTimeouts.Continue.TotalMilliseconds);
        }
    }

    private void ResetTimeout() => _connection!.SetDeadline(_timeout);

    private void OnConnectionLost()
    {
        var (connection, wasUnsent, hadNoResponse) = (_connection!, !_connection!.HasSent, _response.HasNothing);
        if (connection.IsReused && (wasUnsent || (hadNoResponse && _exchange.MayBeRepeated)))
        {
            // The backend closed the connection while it was idle, or is shutting down: only a new connection can tell.
            connection.Close();
            _connection = null;
            if (wasUnsent)
            {
                SendOnIdleConnection();
            }
            else
            {
                _connector.Start(_pool!, ConnectTimeout);
            }

            return;
        }

        Fail(HasStarted ? RequestFailure.BrokenResponse
            : wasUnsent ? RequestFailure.NoResponse with { Point = FailurePoint.Connect }
            : RequestFailure.NoResponse);
    }

    /// <summary>Ends the attempt, whatever its state.</summary>
    public void Close()
    {
        _pool?.Waiting.Remove(this);
        _connector.Stop();
        _stream?.Unregister();
        _stream = null;
        _connection?.Close();
        _connection = null;
        _counters.End();
    }

    /// <summary>Resets the result.</summary>
    public void Reset() => (_pool, HasStarted, Status, ContentLength) = (null, false, 0, null);

    private void Complete()
    {
        var connection = _connection!;
        _counters.Record(Status, connection);
        if (_mayReuse && _response.IsReusable && _body.State == BodyState.Complete && !_hasSendFailed && connection.IsReusable())
        {
            _connection = null;
            if (connection.IsPrivate)
            {
                _exchange.Client.KeepPrivate(connection);
            }
            else
            {
                connection.Pool.Return(connection, _idleTime);
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
