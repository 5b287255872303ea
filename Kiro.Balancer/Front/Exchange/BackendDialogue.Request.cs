using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <content>The request on its way to the node.</content>
internal sealed partial class BackendDialogue
{
    void IBackendUser.OnSendLost() => LoseSend();

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

    // It may have answered before it closed: what it said is read first.
    private void LoseSend()
    {
        _isSendLost = true;
        _node!.IsReadable = true;
        _worker.Loop.Queue(_node);
    }
}
