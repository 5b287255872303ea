using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Handles what happens on a connection to a backend.</summary>
internal interface IBackendUser
{
    /// <summary>The connector has a connection, which may still be connecting, or has failed.</summary>
    void OnConnector(BackendConnection? node, ConnectError error);

    /// <summary>The connect has completed.</summary>
    /// <param name="error">0, or the system's error.</param>
    void OnConnected(int error);

    /// <summary>The connection is readable or writable.</summary>
    void OnBackendReady();

    /// <summary>Buffered output could not be sent: the backend has closed. It may have responded before it did.</summary>
    void OnSendLost();

    /// <summary>The connect timeout or the idle timeout has expired.</summary>
    void OnBackendDeadline();

    /// <summary>An internal error.</summary>
    void OnBackendBroken();
}

/// <summary>A connection to a backend, used by one exchange at a time, or idle in its <see cref="BackendPool"/>.</summary>
internal sealed class BackendConnection(FrontLoop loop, FrontSocket socket, BackendPool pool) : FrontConnection(loop, socket)
{
    public BackendPool Pool { get; } = pool;

    /// <summary>Null while it is idle.</summary>
    public IBackendUser? User { get; set; }

    public bool IsConnecting { get; set; }

    /// <summary>Whether it has served an exchange before this one.</summary>
    public bool IsReused { get; set; }

    /// <summary>Whether a login is bound to it (NTLM, Negotiate): it then serves one client connection and no other.</summary>
    public bool IsBound { get; set; }

    /// <summary>Whether the backend has, or may have, received part of the current request.</summary>
    public bool HasSent => Sent > 0;

    /// <summary>The next older idle connection in the pool.</summary>
    public BackendConnection? Below { get; set; }

    /// <summary>The next newer idle connection in the pool.</summary>
    public BackendConnection? Above { get; set; }

    public override void OnEvents(Readiness events)
    {
        const Readiness End = Readiness.PeerEnded | Readiness.Closed | Readiness.Error;
        if (IsConnecting)
        {
            if ((events & (Readiness.Writable | Readiness.Error | Readiness.Closed)) == 0)
            {
                return;
            }

            IsConnecting = false;
            User!.OnConnected(Socket.ConnectError());
            if (IsClosed)
            {
                return;
            }
        }

        PeerHasEnded |= (events & End) != 0;
        IsReadable |= (events & (Readiness.Readable | End)) != 0;
        if (User is not { } user)
        {
            if (IsReadable && Socket.HasInput())
            {
                Pool.DropSpoilt(this);
            }

            return;
        }

        if (HasUnsent && (events & (Readiness.Writable | End)) != 0 && !TryFlush())
        {
            DropUnsent();
            user.OnSendLost();
            return;
        }

        user.OnBackendReady();
    }

    public override void OnTurn() => User?.OnBackendReady();

    public override void Abort()
    {
        if (User is { } user)
        {
            user.OnBackendBroken();
        }

        Close();
    }

    /// <summary>Closes it, in use or idle.</summary>
    public void Close()
    {
        User = null;
        Pool.Forget(this);
        if (!IsClosed)
        {
            Release(byReset: false);
        }
    }

    internal override void OnDeadline()
    {
        if (User is { } user)
        {
            user.OnBackendDeadline();
        }
        else
        {
            Close();
        }
    }
}

/// <summary>An attempt that waits for a response: a node of the intrusive <see cref="WaitingList"/>.</summary>
internal interface IWaiter : IAbandonable
{
    IWaiter? NextWaiter { get; set; }

    IWaiter? PreviousWaiter { get; set; }

    bool IsWaiting { get; set; }
}

/// <summary>The attempts that wait for a response from a backend. Adding and removing are O(1) and allocate nothing.</summary>
internal sealed class WaitingList
{
    private IWaiter? _first;

    public void Add(IWaiter waiter)
    {
        waiter.IsWaiting = true;
        waiter.NextWaiter = _first;
        if (_first is not null)
        {
            _first.PreviousWaiter = waiter;
        }

        _first = waiter;
    }

    public void Remove(IWaiter waiter)
    {
        if (!waiter.IsWaiting)
        {
            return;
        }

        waiter.IsWaiting = false;
        if (waiter.PreviousWaiter is { } previous)
        {
            previous.NextWaiter = waiter.NextWaiter;
        }
        else
        {
            _first = waiter.NextWaiter;
        }

        if (waiter.NextWaiter is { } next)
        {
            next.PreviousWaiter = waiter.PreviousWaiter;
        }

        waiter.NextWaiter = waiter.PreviousWaiter = null;
    }

    /// <summary>The backend hangs: has every attempt that waits now fail over.</summary>
    public void GiveUp()
    {
        // Failing over may add to the list; those wait for the next call.
        var all = new List<IWaiter>();
        for (var waiter = _first; waiter is not null; waiter = waiter.NextWaiter)
        {
            all.Add(waiter);
        }

        foreach (var waiter in all.Where(waiter => waiter.IsWaiting))
        {
            waiter.Abandon();
        }
    }
}
