using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Request and response on their way.</content>
internal sealed partial class BackendDialogue
{
    void IBackendUser.OnBackendReady()
    {
        if (_node is { IsConnecting: false })
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
            _exchange.Client.SetDeadline(FrontStream.Patience);
            return;
        }

        if (!_response.TryEnd(_exchange.Client))
        {
            EndsWithConnection = ClosesClient = true;
        }

        Complete();
    }

    // Complete and Fail end the exchange, which may be reused at once: nothing may follow them here.
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
        if (!_outgoing.IsSent && _outgoing.SendTo(_node!) == Sending.Lost)
        {
            LoseSend();
        }

        if (_isSendLost || !_outgoing.IsSent || _body.State != BodyState.Flowing)
        {
            return true;
        }

        var fault = _body.Run(_exchange.Client, _node!, out var hasMoved);
        if (hasMoved)
        {
            Touch();
        }

        switch (fault)
        {
            case BodyFault.None:
                return true;
            case BodyFault.BackendLost:
                LoseSend();
                return true;
            case BodyFault.Ended when _stream is not null:
                _body.Drop();
                _node!.Socket.EndWriting();
                _exchange.Client.SetDeadline(FrontStream.Patience);
                return true;
            case BodyFault.Gone:
                var client = _exchange.Client;
                _exchange.OnClientGone();
                client.Close();
                return false;
            default:
                _exchange.FailClient(fault);
                return false;
        }
    }

    void IBackendUser.OnSendLost() => LoseSend();

    // The backend may have responded before it closed: read that first.
    private void LoseSend()
    {
        _isSendLost = true;
        _node!.IsReadable = true;
        _worker.Loop.Queue(_node);
    }

    private void OnStep(ResponseStep step)
    {
        switch (step)
        {
            case ResponseStep.Complete:
                if (_body.State == BodyState.Flowing && Status < StatusCodes.Status300MultipleChoices && !_isSendLost && _stream is null)
                {
                    // The backend has responded but goes on reading the request, even if it closes afterwards.
                    _hasResponded = true;
                    _worker.Loop.Queue(_exchange.Client);
                }
                else
                {
                    Complete();
                }

                return;
            case ResponseStep.Invalid:
                Fail(HasStarted ? RequestFailure.BrokenResponse : RequestFailure.InvalidResponse);
                return;
            case ResponseStep.Lost:
                Lose();
                return;
            case ResponseStep.ClientGone:
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
        if (isContinue ? _body.State == BodyState.Held : !_exchange.IsHttp10)
        {
            var written = ClientHeadWriter.Write(_response.HeadBytes, head, default, _worker.Loop.Output);
            if (!_exchange.Client.TrySend(_worker.Loop.Output.AsSpan(0, written)))
            {
                return ResponseStep.ClientGone;
            }
        }

        if (isContinue)
        {
            _body.Release();
            _worker.Loop.Queue(_exchange.Client);
        }

        _response.Skip(_node!);
        return ResponseStep.Head;
    }

    private ResponseStep BeginResponse(ResponseHead head)
    {
        Settle(head);
        _exchange.Client.ClearDeadline();
        _exchange.Client.LimitHalfClosed();
        if (head.Status < StatusCodes.Status300MultipleChoices)
        {
            // An error response means that the body is not wanted; a success means that it is, even without 100 Continue.
            _body.Release();
        }
        else
        {
            _body.Drop();
        }

        var framing = head.Framing(_exchange.IsHead);
        var isOpenEnded = framing is BodyFraming.Chunked or BodyFraming.UntilClose;
        EndsWithConnection = isOpenEnded && _exchange.IsHttp10;
        ClosesClient = _exchange.Closes || EndsWithConnection || _body.State == BodyState.Dropped
            || _worker.Services.Drain.IsDraining || _worker.IsStopping;
        _mayReuse = !head.Closes && framing != BodyFraming.UntilClose;
        _idleTime = BackendPool.IdleTime(head.KeepAliveTimeout, head.KeepAliveMax);
        _node!.IsBound |= head.BindsConnection;
        if (isOpenEnded && head.IsEventStream)
        {
            _timeout = (int)_worker.Services.Timeouts.Value.Stream.TotalMilliseconds;
            _stream = new FrontStream(_worker, this, _exchange.Slot, _attempt.Runtime.Backend);
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
        var step = _response.BeginBody(written, framing, makesChunks, _exchange.Client, _node!);
        HasStarted = step != ResponseStep.Invalid;
        Touch();
        return step;
    }

    private ResponseStep BeginTunnel()
    {
        var head = _worker.ResponseHead;
        Settle(head);
        _timeout = (int)_worker.Services.Timeouts.Value.Stream.TotalMilliseconds;
        (ClosesClient, EndsWithConnection, HasStarted) = (true, true, true);
        _stream = new FrontStream(_worker, this, _exchange.Slot, _attempt.Runtime.Backend, isTunnel: true);
        _body.BeginTunnel();
        var written = ClientHeadWriter.Write(
            _response.HeadBytes, head, new ClientHeadAdditions
            {
                Date = _worker.Date.Line, OwnCookie = _worker.Services.Rules.Cookie, Lines = _exchange.CookieLines,
            }, _worker.Loop.Output);
        _worker.Loop.Queue(_exchange.Client);
        Touch();
        return _response.BeginTunnel(written, _stream, _exchange.Client, _node!);
    }

    private void Settle(ResponseHead head)
    {
        _pool!.Waiting.Remove(this);
        _attempt.Respond(_worker.Loop.Timestamp, _worker.Services.Time);
        _attempt.Runtime.NoteClosing(head.HasConnectionClose);
        (Status, ContentLength) = (head.Status, head.ContentLength);
        _outgoing.Settle();
    }
}
