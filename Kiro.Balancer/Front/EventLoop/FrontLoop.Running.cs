using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.EventLoop;

/// <content>Its thread: waits, and gives everybody a turn.</content>
internal sealed partial class FrontLoop
{
    private void Run()
    {
        try
        {
            while (!_isStopped)
            {
                var count = _epoll.Wait(_turns.Count > 0 ? 0 : _wheel.UntilNext(Now));
                Timestamp = _time.GetTimestamp();
                Volatile.Write(ref _now, (long)_time.GetElapsedTime(_start, Timestamp).TotalMilliseconds);
                for (var index = 0; index < count; index++)
                {
                    Dispatch(_epoll[index]);
                }

                TakeTurns();
                MeetDeadlines();
            }
        }
        finally
        {
            CleanUp();
        }
    }

    private void Dispatch((Readiness Events, ulong Key) ready)
    {
        switch (ready.Key)
        {
            case WakeKey:
                _wake.Clear();
                RunPosted();
                return;
            case ListenerKey:
                _listener?.Accept(this);
                return;
        }

        if (_connections[(int)(uint)ready.Key] is not { } connection || connection.Generation != (uint)(ready.Key >> 32))
        {
            return;
        }

        try
        {
            connection.OnEvents(ready.Events);
        }
        catch (Exception broken)
        {
            GiveUp(connection, broken);
        }
    }

    private void TakeTurns()
    {
        (_turns, _turnsNow) = (_turnsNow, _turns);
        foreach (var connection in _turnsNow)
        {
            connection.IsQueued = false;
            if (connection.IsClosed)
            {
                continue;
            }

            try
            {
                connection.OnTurn();
            }
            catch (Exception broken)
            {
                GiveUp(connection, broken);
            }
        }

        _turnsNow.Clear();
    }

    private void MeetDeadlines()
    {
        try
        {
            _wheel.Advance(Now);
        }
        catch (Exception broken)
        {
            _logger.LoopBroke(broken);
        }
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out var posted))
        {
            try
            {
                posted.Work(posted.State);
            }
            catch (Exception broken)
            {
                _logger.LoopBroke(broken);
            }
        }
    }

    // One connection's trouble is not everybody's.
    private void GiveUp(FrontConnection connection, Exception broken)
    {
        _logger.LoopBroke(broken);
        connection.Abort();
    }

    private void CleanUp()
    {
        _strangeClock?.Dispose();
        foreach (var connection in All())
        {
            connection.Abort();
        }

        Pipes.Close();
        _wake.Dispose();
        _epoll.Dispose();
    }
}

/// <summary>Where new connections come from.</summary>
internal interface ILoopListener
{
    int Descriptor { get; }

    /// <summary>Somebody may be waiting. Never blocks.</summary>
    void Accept(FrontLoop loop);
}
