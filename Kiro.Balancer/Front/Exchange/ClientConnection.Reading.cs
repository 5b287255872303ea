using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Reads requests: each one becomes an exchange, a refusal, or Kestrel's.</content>
internal sealed partial class ClientConnection
{
    /// <summary>Kestrel's bound, too; in milliseconds.</summary>
    private const int HeadTimeout = 30_000;

    private void Read()
    {
        if (_isReading)
        {
            // A request was over before the reading of it was: the loop below goes on with the next one.
            return;
        }

        _isReading = true;
        for (var turn = 0; _exchange is null && _closing is null && !_isShakingHands && !IsClosed && !HasUnsent; turn++)
        {
            if (turn == MaxTurns)
            {
                Loop.Queue(this);
                break;
            }

            var count = Fill(_needsMore);
            if (count == -1 && !(PeerHasEnded && !IsReadable))
            {
                break;
            }

            if (count <= 0)
            {
                NoteHalfIntroduction();
                Close();
                break;
            }

            var bytes = Loop.Input.AsSpan(FrontLoop.Lead, count);
            if (_awaitsHeader)
            {
                TakeIntroduction(bytes);
            }
            else
            {
                Take(bytes);
            }
        }

        _isReading = false;
        if (_isShakingHands)
        {
            // What came behind the introduction.
            GoOnShakingHands();
        }
    }

    private void Take(Span<byte> bytes)
    {
        var head = _worker.RequestHead;
        switch (RequestParser.Parse(bytes, head))
        {
            case RequestState.Incomplete:
                Store(bytes);
                if (!_needsMore)
                {
                    _needsMore = true;
                    SetDeadline(HeadTimeout);
                }

                return;
            case RequestState.Http2:
                HandOver(bytes);
                return;
            case RequestState.Refused:
                Refuse(head.RefusalStatus, head.Problem, head.Method == RequestMethod.Head);
                return;
        }

        // The loops have no TLS: with the first node that needs it, their clients go where there is.
        if (_worker.Own.Contains(bytes.Slice(head.Path.Start, head.Path.Length)) || _worker.Services.Registry.Current.HasTls)
        {
            HandOver(bytes);
            return;
        }

        _needsMore = false;
        ClearDeadline();
        var exchange = _exchange = _worker.RentExchange();
        exchange.Begin(this, bytes, head);
        LimitHalfClosed();
    }

    // Before a node has seen any of it.
    private void HandOver(ReadOnlySpan<byte> bytes)
    {
        if (Tls is { CanLeave: false })
        {
            Close();
            return;
        }

        var received = bytes.ToArray();
        DropStored();
        _bound?.Close();
        Loop.Remove(this, staysOpen: true);
        _worker.CountClient(-1);
        _worker.HandOver(new HandedOver(Socket.Release(), received, _key, _source, Tls));
    }
}
