using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Request and response on their way.</content>
internal sealed partial class BackendAttempt
{
    void IBackendConnectionHandler.OnBackendReady()
    {
        if (_connection is { IsConnecting: false })
        {
            Run();
        }
    }

    /// <summary>Ends an event stream or a tunnel.</summary>
    public void EndStream()
    {
        if (_stream!.TryEnd(_exchange.Client))
        {
            // The client may take a while to close its side.
            _exchange.Client.SetDeadline(FrontStream.CloseTimeout);
            return;
        }

        if (!_response.TryEnd(_exchange.Client))
        {
            IsCloseDelimited = ClosesClient = true;
        }

        Complete();
    }

    // Complete and Fail end the exchange, which may be reused at once: nothing may follow them here.
    private void Run()
    {
        if (!_hasSendFailed && !TrySend())
        {
            return;
        }

        if (_hasResponded)
        {
            if (_body.State != BodyState.Streaming || _hasSendFailed)
            {
                Complete();
            }

            return;
        }

        while (true)
        {
            var step = _response.Run(_exchange.Client, _connection!, out var hasMoved);
            if (hasMoved)
            {
                ResetTimeout();
                _exchange.Client.RestartHalfClosedTimeout();
                if (_exchange.Client.HasPendingOutput)
                {
                    _exchange.Client.MarkUnacknowledged();
                }
            }

            if (step == ResponseStep.Head)
            {
                step = OnHead();
                if (step is ResponseStep.Head or ResponseStep.Pending)
                {
                    // Another head, the rest of the body or the end may be there already.
                    continue;
                }
            }

            OnStep(step);
            return;
        }
    }

    /// <returns>False when the exchange is over.</returns>
    private bool TrySend()
    {
        if (!_outgoing.IsSent && _outgoing.SendTo(_connection!) == SendResult.Failed)
        {
            FailSend();
        }

        if (_hasSendFailed || !_outgoing.IsSent || _body.State != BodyState.Streaming)
        {
            return true;
        }

        var fault = _body.Run(_exchange.Client, _connection!, out var hasMoved);
        if (hasMoved)
        {
            ResetTimeout();
        }

        switch (fault)
        {
            case BodyFault.None:
                return true;
            case BodyFault.BackendLost:
                FailSend();
                return true;
            case BodyFault.Truncated when _stream is not null:
                _body.Discard();
                _connection!.ShutdownWrite();
                _exchange.Client.SetDeadline(FrontStream.CloseTimeout);
                return true;
            case BodyFault.ClientLost:
                var client = _exchange.Client;
                _exchange.OnClientGone();
                client.Close();
                return false;
            default:
                _exchange.FailClient(fault);
                return false;
        }
    }

    void IBackendConnectionHandler.OnSendFailed() => FailSend();

    // The backend may have responded before it closed: read that first.
    private void FailSend()
    {
        _hasSendFailed = true;
        _connection!.IsReadable = true;
        _worker.Loop.QueueTurn(_connection);
    }

    private void OnStep(ResponseStep step)
    {
        switch (step)
        {
            case ResponseStep.Complete:
                if (_body.State == BodyState.Streaming && Status < StatusCodes.Status300MultipleChoices && !_hasSendFailed && _stream is null)
                {
                    // The backend has responded but goes on reading the request, even if it closes afterwards.
                    _hasResponded = true;
                    _worker.Loop.QueueTurn(_exchange.Client);
                }
                else
                {
                    Complete();
                }

                return;
            case ResponseStep.Invalid:
                Fail(HasStarted ? RequestFailure.BrokenResponse : RequestFailure.InvalidResponse);
                return;
            case ResponseStep.BackendLost:
                OnConnectionLost();
                return;
            case ResponseStep.ClientLost:
                var client = _exchange.Client;
                _exchange.OnClientGone();
                client.Close(byReset: true);
                return;
        }
    }

    /// <returns>Head when another one follows.</returns>
    private ResponseStep OnHead()
    {
        var head = _worker.ResponseHead;
        if (head.Status == StatusCodes.Status101SwitchingProtocols)
        {
            return _exchange.IsWebSocket ? BeginTunnel() : ResponseStep.Invalid;
        }

        if (!head.IsInterim)
        {
            return BeginResponse(head);
        }

        if (++_interim > ResponseHead.MaxInterim)
        {
            return ResponseStep.Invalid;
        }

        var isContinue = head.Status == StatusCodes.Status100Continue;
        if (isContinue ? _body.State == BodyState.AwaitingContinue : !_exchange.IsHttp10)
        {
            var written = ClientHeadWriter.Write(_response.HeadBytes, head, default, _worker.Loop.Output);
            if (!_exchange.Client.TrySend(_worker.Loop.Output.AsSpan(0, written)))
            {
                return ResponseStep.ClientLost;
            }
        }

        if (isContinue)
        {
            _body.Resume();
            _worker.Loop.QueueTurn(_exchange.Client);
        }

        _response.SkipInterim(_connection!);
        return ResponseStep.Head;
    }

    private ResponseStep BeginResponse(ResponseHead head)
    {
        OnResponseHead(head);
        _exchange.Client.ClearDeadline();
        _exchange.Client.RestartHalfClosedTimeout();
        if (head.Status < StatusCodes.Status300MultipleChoices)
        {
            // An error response means that the body is not wanted; a success means that it is, even without 100 Continue.
            _body.Resume();
        }
        else
        {
            _body.Discard();
        }

        var framing = head.Framing(_exchange.IsHead);
        var isOpenEnded = framing is BodyFraming.Chunked or BodyFraming.UntilClose;
        IsCloseDelimited = isOpenEnded && _exchange.IsHttp10;
        ClosesClient = _exchange.Closes || IsCloseDelimited || _body.State == BodyState.Discarded
            || _worker.Services.Drain.IsDraining || _worker.IsStopping;
        _mayReuse = !head.Closes && framing != BodyFraming.UntilClose;
        _idleTime = BackendPool.IdleTime(head.KeepAliveTimeout, head.KeepAliveMax);
        _connection!.IsPrivate |= head.BindsConnection;
        if (isOpenEnded && head.IsEventStream)
        {
            _timeout = (int)_worker.Services.Timeouts.Value.Stream.TotalMilliseconds;
            _stream = new FrontStream(_worker, this, _exchange.Slot, _counters.Runtime.Backend);
            // It may be told to end at any time, even when it has just ended by itself.
            _mayReuse = false;
        }

        var makesChunks = isOpenEnded && !_exchange.IsHttp10;
        var written = ClientHeadWriter.Write(_response.HeadBytes, head, new ClientHeadAdditions
        {
            IsChunked = makesChunks,
            NamesTrailers = makesChunks || framing == BodyFraming.None,
            Connection = ClosesClient ? "close"u8 : _exchange.IsHttp10 ? "keep-alive"u8 : [],
            Date = _worker.Date.Line,
            OwnCookie = _worker.Services.Rules.Cookie,
            Lines = _exchange.CookieLines,
        }, _worker.Loop.Output);
        var step = _response.BeginBody(written, framing, makesChunks, _exchange.Client, _connection!);
        HasStarted = step != ResponseStep.Invalid;
        ResetTimeout();
        return step;
    }

    private ResponseStep BeginTunnel()
    {
        var head = _worker.ResponseHead;
        OnResponseHead(head);
        _timeout = (int)_worker.Services.Timeouts.Value.Stream.TotalMilliseconds;
        (ClosesClient, IsCloseDelimited, HasStarted) = (true, true, true);
        _stream = new FrontStream(_worker, this, _exchange.Slot, _counters.Runtime.Backend, isTunnel: true);
        _body.BeginTunnel();
        var written = ClientHeadWriter.Write(
            _response.HeadBytes, head, new ClientHeadAdditions
            {
                Date = _worker.Date.Line, OwnCookie = _worker.Services.Rules.Cookie, Lines = _exchange.CookieLines,
            }, _worker.Loop.Output);
        _worker.Loop.QueueTurn(_exchange.Client);
        ResetTimeout();
        return _response.BeginTunnel(written, _stream, _exchange.Client, _connection!);
    }

    private void OnResponseHead(ResponseHead head)
    {
        _pool!.Waiting.Remove(this);
        _counters.Respond(_worker.Loop.Timestamp, _worker.Services.Time);
        _counters.Runtime.RecordConnectionClose(head.HasConnectionClose);
        (Status, ContentLength) = (head.Status, head.ContentLength);
        _outgoing.TrimToRequestLine();
    }
}
