using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Closing the connection, and handing it over.</content>
internal sealed partial class ClientConnection
{
    /// <summary>Closes at once.</summary>
    public void Close(bool byReset = false)
    {
        if (!IsClosed)
        {
            _bound?.Close();
            if (_isShakingHands)
            {
                EndHandshake(Tls!);
            }

            if (!byReset)
            {
                Cipher?.SayEnd();
            }

            Release(byReset);
            _worker.Services.Limit.Leave();
            if (_key is { } key)
            {
                _worker.Services.PerClient.Leave(key);
            }

            _worker.CountClient(-1);
        }
    }

    public override void Abort()
    {
        _exchange?.OnClientGone();
        Close(byReset: true);
    }

    /// <summary>Ends an incomplete response so that the client can tell that it is incomplete.</summary>
    /// <param name="byReset">Whether a FIN would look like the end of the response.</param>
    public void BreakOff(bool byReset)
    {
        _exchange = null;
        BeginClosing(linger: true, byReset);
    }

    /// <summary>Sends an error response of the balancer.</summary>
    public void SendError(int status, string problem, bool isHead, bool closes, string? accept = null, int? retryAfter = null)
    {
        var connection = closes || _worker.IsStopping || _worker.Services.Drain.IsDraining ? "close" : "";
        var page = ErrorPage.IsFor(status, accept) ? _worker.Services.ErrorPage.Value : null;
        _ = TrySend(FrontError.Write(status, problem, page, isHead, connection, _worker.Date.Line, retryAfter));
    }

    internal override void OnDeadline()
    {
        if (_closing is { } closing)
        {
            Close(closing.ByReset || HasUnsent);
        }
        else if (_awaitsHeader)
        {
            RefuseIntroduction();
        }
        else if (_isShakingHands)
        {
            Close();
        }
        else if (_exchange is not null && PeerHasEnded)
        {
            Leave();
        }
        else if (_exchange is { } exchange)
        {
            exchange.OnClientDeadline();
        }
        else if (_needsMore)
        {
            Refuse(StatusCodes.Status408RequestTimeout, "the head of the request did not come in time", isHead: false);
        }
        else
        {
            Close();
        }
    }

    private void Refuse(int status, string problem, bool isHead)
    {
        _worker.Services.Own.Record(status);
        SendError(status, problem, isHead, closes: true);
        BeginClosing(linger: true);
    }

    private void Leave()
    {
        _exchange?.OnClientGone();
        _exchange = null;
        Close();
    }

    // Only before a backend has seen any of the request.
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

    private void BeginClosing(bool linger, bool byReset = false)
    {
        DropStored();
        _closing = new ClosingState(linger, byReset, Loop.Now);
        SetDeadline(ClosingState.FlushTimeout);
        GoOnClosing();
    }

    private void GoOnClosing()
    {
        var closing = _closing!;
        if (HasUnsent || IsClosed)
        {
            return;
        }

        if (!closing.Lingers)
        {
            Close();
            return;
        }

        if (closing.ByReset && Socket.HasArrived())
        {
            Close(byReset: true);
            return;
        }

        if (!closing.HasEnded)
        {
            closing.HasEnded = true;
            Received = 0;
            if (!closing.ByReset)
            {
                Cipher?.SayEnd();
                Socket.EndWriting();
            }

            SetDeadline(closing.ByReset ? ClosingState.ResetDelay : ClosingState.QuietTimeout);
        }

        for (var turn = 0; IsReadable; turn++)
        {
            if (turn == MaxTurns)
            {
                Loop.Queue(this);
                return;
            }

            var count = Receive(Loop.Input);
            if ((count == 0 && !closing.ByReset) || count == -2 || Received > ClosingState.MaxBytes)
            {
                Close();
                return;
            }

            if (count > 0 && !closing.ByReset)
            {
                SetDeadline(Math.Min(ClosingState.QuietTimeout, Math.Max(0, closing.Began + ClosingState.MaxTime - Loop.Now)));
            }
        }
    }
}

/// <summary>
/// A lingering close. Input is read and discarded for a while, because closing a socket with unread input resets the
/// connection, which can destroy a response that the client has not read yet (RFC 9112, section 9.6).
/// </summary>
internal sealed class ClosingState(bool lingers, bool byReset, long began)
{
    /// <summary>For sending buffered output, in milliseconds.</summary>
    public const int FlushTimeout = 60_000;

    /// <summary>Without input, in milliseconds (nginx's lingering_timeout).</summary>
    public const int QuietTimeout = 5_000;

    /// <summary>In all, in milliseconds (nginx's lingering_time).</summary>
    public const int MaxTime = 30_000;

    /// <summary>In all, in bytes: a client that sends more does not read.</summary>
    public const long MaxBytes = 64 << 20;

    /// <summary>For sent data to arrive before a reset, in milliseconds.</summary>
    public const int ResetDelay = 500;

    public bool Lingers { get; } = lingers || byReset;

    public bool ByReset { get; } = byReset;

    /// <summary>In the loop's milliseconds.</summary>
    public long Began { get; } = began;

    /// <summary>The FIN has been sent.</summary>
    public bool HasEnded { get; set; }
}
