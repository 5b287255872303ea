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
