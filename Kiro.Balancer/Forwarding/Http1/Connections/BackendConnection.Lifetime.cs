using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <content>Busy, idle, closed: who may use it, and when it ends.</content>
internal sealed partial class BackendConnection
{
    /// <summary>Whether the node's own words leave time, and requests, for another exchange, so that a request which cannot be
    /// repeated does not meet the end of the connection.</summary>
    public bool MayBeKept()
    {
        if (Head.KeepAliveTimeout is { } timeout)
        {
            _idleLimit = Math.Min(IdleSeconds, timeout - IdleMargin);
        }

        // Some servers name all the requests that they take, and some the rest.
        _requestsLeft = Math.Min(_requestsLeft, Head.KeepAliveMax ?? int.MaxValue) - 1;
        return _idleLimit > 1 - IdleMargin && _requestsLeft > 0;
    }

    /// <summary>Ends the exchange and waits for what the node does next.</summary>
    /// <returns>False when the connection is of no use any more; it is closed then.</returns>
    public bool TryIdle()
    {
        if (!Input.IsEmpty || AbortReason != AbortReason.None)
        {
            Dispose();
            return false;
        }

        Narrow();
        (_limit, _wasIdle) = (0, true);
        BeginReceive();
        Interlocked.Exchange(ref _state, Idle);
        if (_receive.IsCompleted || AbortReason != AbortReason.None)
        {
            OnUnawaited();
            return false;
        }

        return true;
    }

    /// <summary>Takes an idle connection into use.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref _state, Busy, Idle) == Idle;

    /// <summary>Closes an idle connection.</summary>
    public void CloseIdle()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Pool.Drop(this);
            // That ends the receive, and the end of the receive the rest.
            Shutdown();
        }
    }

    /// <summary>Closes a connection in use. Only its exchange does so, when nothing waits for it any more.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _state, Closed);
        CloseSocket();
        if (_receive.IsCompleted && _send.IsCompleted)
        {
            Narrow();
        }
    }

    /// <summary>Cuts off the exchange, whatever it waits for, from anywhere. The first reason counts.</summary>
    public void Abort(AbortReason reason)
    {
        if (Interlocked.CompareExchange(ref _abortReason, (int)reason, 0) == 0)
        {
            Shutdown();
        }
    }

    /// <summary>Looks whether it has stood still, or been idle, for too long.</summary>
    public void LookAtTime(int now)
    {
        var quiet = now - Volatile.Read(ref _lastActivity);
        if (Volatile.Read(ref _state) == Idle)
        {
            if (quiet > _idleLimit || (quiet > 0 && Pool.IsDoubted))
            {
                CloseIdle();
            }
        }
        else if (Volatile.Read(ref _limit) is > 0 and var limit && quiet > limit)
        {
            Abort(AbortReason.StoodStill);
        }
    }

    void IAbandonable.Abandon() => Abort(AbortReason.GivenUp);

    void IOpenStream.End() => Abort(AbortReason.StreamEnded);

    private void OnUnawaited()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Pool.DropClosed(this);
        }

        if (IsClosed)
        {
            CloseSocket();
        }
    }

    // Closing a socket under an operation would reset the connection, which tells the node less than its end.
    private void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The node was faster.
        }
    }

    private void CloseSocket()
    {
        _tls?.Dispose();
        _socket.Dispose();
        _receive.Dispose();
        _send.Dispose();
        _watch.Remove(this);
    }

    private void Narrow()
    {
        Output.Narrow();
        Input.Clear();
    }
}

/// <summary>Why the balancer itself cut an exchange off.</summary>
internal enum AbortReason
{
    None,

    /// <summary>The client has left, or its body is broken.</summary>
    Client,

    /// <summary>The node is known to hang.</summary>
    GivenUp,

    /// <summary>No byte has moved for too long.</summary>
    StoodStill,

    /// <summary>A stream of events that had to end.</summary>
    StreamEnded,

    /// <summary>The node answered in full and needs no more of the request.</summary>
    Responded,
}
