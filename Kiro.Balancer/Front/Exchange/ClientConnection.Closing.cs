namespace Kiro.Balancer.Front.Exchange;

/// <content>How it is left.</content>
internal sealed partial class ClientConnection
{
    /// <summary>The response cannot be completed. The client gets what came of it, and then sees that this was not all.</summary>
    /// <param name="byReset">Whether the end of the connection would look like the end of the response.</param>
    public void BreakOff(bool byReset)
    {
        _exchange = null;
        BeginClosing(linger: true, byReset);
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
/// How a connection is left. What the client still sends is read and dropped for a while, because a socket that is closed with
/// unread input resets the connection, and with it what the client has not read yet (RFC 9112, section 9.6).
/// </summary>
internal sealed class ClosingState(bool lingers, bool byReset, long began)
{
    /// <summary>For what is still to be sent, in milliseconds.</summary>
    public const int FlushTimeout = 60_000;

    /// <summary>Without a byte from the client, in milliseconds (nginx's lingering_timeout).</summary>
    public const int QuietTimeout = 5_000;

    /// <summary>In all, in milliseconds (nginx's lingering_time).</summary>
    public const int MaxTime = 30_000;

    /// <summary>In all, in bytes: who sends more does not listen.</summary>
    public const long MaxBytes = 64 << 20;

    /// <summary>For what was sent to arrive before a reset, in milliseconds.</summary>
    public const int ResetDelay = 500;

    public bool Lingers { get; } = lingers || byReset;

    public bool ByReset { get; } = byReset;

    /// <summary>When it began, on the loop's clock.</summary>
    public long Began { get; } = began;

    /// <summary>Our end is said.</summary>
    public bool HasEnded { get; set; }
}
