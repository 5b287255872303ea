using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;
using Kiro.Balancer.Forwarding;

/// <content>Which connection it uses: kept ones first, then a new one.</content>
internal sealed partial class BackendDialogue
{
    /// <summary>A connection is there, or cannot be.</summary>
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
                // Only this can tell in time that the node has closed it.
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

        _connector.Start(_pool!);
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
            // The node has closed the connection while it was idle, or is about to close all: only a new one can tell.
            node.Close();
            _node = null;
            if (unsent)
            {
                SendOverKept();
            }
            else
            {
                _connector.Start(_pool!);
            }

            return;
        }

        Fail(HasStarted ? RequestFailure.BrokenResponse : unsent ? RequestFailure.NoResponse with { Point = FailurePoint.Connect } : RequestFailure.NoResponse);
    }
}
