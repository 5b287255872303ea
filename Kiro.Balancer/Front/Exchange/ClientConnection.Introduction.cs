using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Exchange;

/// <content>How a trusted proxy says whom it is from: the PROXY protocol.</content>
internal sealed partial class ClientConnection
{
    private void TakeIntroduction(ReadOnlySpan<byte> bytes)
    {
        switch (ProxyHeader.Parse(bytes, out var length, out var source))
        {
            case ProxyHeaderState.Incomplete:
                Store(bytes);
                _needsMore = true;
                return;
            case ProxyHeaderState.Invalid:
                RefuseIntroduction();
                return;
        }

        _awaitsHeader = _needsMore = false;
        if (source is not null && !TryTake(source))
        {
            // Before a handshake there are no words for it.
            _ = IsSecure || TrySend(Refusal.TooManyFromClient.Span);
            BeginClosing(linger: true);
        }
        else if (_worker.Terms is { } terms)
        {
            BeginHandshake(terms, bytes[length..]);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
            Store(bytes[length..]);
        }
    }

    private bool TryTake(IPEndPoint source)
    {
        _source = source;
        Self = _worker.Services.Clients.Begin(ClientAddress.From(source.Address));
        SelfSlot = _worker.Services.Hash.Slot(Self.Address);
        var perClient = _worker.Services.PerClient;
        return !perClient.IsOn || perClient.TryEnter(Self.Peer, out _key);
    }

    private void RefuseIntroduction()
    {
        _worker.Services.Introductions.Refuse(Self.Peer);
        Close();
    }

    // Who connects and leaves only wanted to know whether the port is open.
    private void NoteHalfIntroduction()
    {
        if (_awaitsHeader && HasStored)
        {
            _worker.Services.Introductions.Refuse(Self.Peer);
        }
    }
}
