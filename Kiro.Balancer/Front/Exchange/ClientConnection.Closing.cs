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
            _private?.Close();
            if (_isInHandshake)
            {
                EndHandshake(Tls!);
            }

            if (!byReset)
            {
                Cipher?.SendCloseNotify();
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
    public void AbortResponse(bool byReset)
    {
        _exchange = null;
        BeginClosing(linger: true, byReset);
    }

    /// <summary>Sends an error response of the balancer.</summary>
    public void SendError(int status, string problem, bool isHead, bool closes, string? accept = null, int? retryAfter = null)
    {
        var connection = closes || _worker.IsStopping || _worker.Services.Drain.IsDraining ? "close" : "";
        var page = ErrorPage.IsFor(status, accept) ? _worker.Services.ErrorPage.Value : null;
        _ = TrySend(ErrorResponseWriter.Write(status, problem, page, isHead, connection, _worker.Date.Line, retryAfter));
    }

    internal override void OnDeadline()
    {
        if (_exchange is null && IsReading)
        {
            RestartTimeout();
        }
        else if (_closing is { } closing)
        {
            Close(closing.ByReset || HasPendingOutput);
        }
        else if (_awaitsProxyHeader)
        {
            RejectProxyHeader();
        }
        else if (_isInHandshake)
        {
            Close();
        }
        else if (_exchange is not null && PeerHasClosed)
        {
            OnClientLost();
        }
        else if (_exchange is { } exchange)
        {
            exchange.OnClientDeadline();
        }
        else if (_needsMore)
        {
            Refuse(StatusCodes.Status408RequestTimeout, "the request head did not arrive in time", isHead: false);
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

    private void OnClientLost()
    {
        _exchange?.OnClientGone();
        _exchange = null;
        Close();
    }

    // Only before a backend has seen any of the request.
    private void HandOver(ReadOnlySpan<byte> bytes)
    {
        if (Tls is { CanDetach: false })
        {
            Close();
            return;
        }

        var received = bytes.ToArray();
        DiscardInput();
        _private?.Close();
        Loop.Remove(this, keepOpen: true);
        _worker.CountClient(-1);
        _worker.HandOver(new HandedOverConnection(Socket.Detach(), received, _key, _source, Tls));
    }

    // Between exchanges. A client is idle once it has all of the last response, and until then inactive as in an exchange.
    private void RestartTimeout()
    {
        if (HasPendingOutput)
        {
            MarkUnacknowledged();
            SetDeadline((long)_worker.Services.Timeouts.Value.Exchange.TotalMilliseconds);
        }
        else if (_closing is null)
        {
            SetDeadline(_worker.IdleTimeout);
        }
    }

    private void BeginClosing(bool linger, bool byReset = false)
    {
        DiscardInput();
        _closing = new LingeringClose(linger, byReset, Loop.Now);
        RestartTimeout();
        ContinueClosing();
    }

    private void ContinueClosing()
    {
        var closing = _closing!;
        if (HasPendingOutput || IsClosed)
        {
            return;
        }

        if (!closing.Lingers)
        {
            Close();
            return;
        }

        if (closing.ByReset && Socket.Unacknowledged() == 0)
        {
            Close(byReset: true);
            return;
        }

        if (!closing.HasSentFin)
        {
            closing.HasSentFin = true;
            BytesReceived = 0;
            if (!closing.ByReset)
            {
                Cipher?.SendCloseNotify();
                Socket.ShutdownWrite();
            }

            SetDeadline(closing.ByReset ? LingeringClose.ResetDelay : LingeringClose.QuietTimeout);
        }

        for (var turn = 0; IsReadable; turn++)
        {
            if (turn == MaxStepsPerTurn)
            {
                Loop.QueueTurn(this);
                return;
            }

            var count = Receive(Loop.Input);
            if ((count == 0 && !closing.ByReset) || count == -2 || BytesReceived > LingeringClose.MaxBytes)
            {
                Close();
                return;
            }

            if (count > 0 && !closing.ByReset)
            {
                SetDeadline(Math.Min(LingeringClose.QuietTimeout, Math.Max(0, closing.Start + LingeringClose.MaxTime - Loop.Now)));
            }
        }
    }
}

/// <summary>
/// A lingering close. Input is read and discarded for a while, because closing a socket with unread input resets the
/// connection, which can destroy a response that the client has not read yet (RFC 9112, section 9.6).
/// </summary>
internal sealed class LingeringClose(bool lingers, bool byReset, long start)
{
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
    public long Start { get; } = start;

    /// <summary>The FIN has been sent.</summary>
    public bool HasSentFin { get; set; }
}
