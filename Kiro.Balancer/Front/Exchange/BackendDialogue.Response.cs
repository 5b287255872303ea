using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <content>What the node says: interim responses, the final one, the end.</content>
internal sealed partial class BackendDialogue
{
    private void OnStep(ResponseStep step)
    {
        switch (step)
        {
            case ResponseStep.Complete:
                if (_body.State == BodyState.Flowing && Status < StatusCodes.Status300MultipleChoices && !_isSendLost && _stream is null)
                {
                    // The node has responded and goes on reading, even if it closes the connection afterwards.
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

    /// <returns>Head when another one is to be read.</returns>
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
            // A node that refuses does not want the body; one that agrees gets it, even when it did not say "continue".
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
            // It may be told to end at any time, also when it just has.
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
