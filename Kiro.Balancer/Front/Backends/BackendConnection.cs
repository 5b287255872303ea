using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Whoever uses a connection to a node is told what happens to it.</summary>
internal interface IBackendUser
{
    /// <summary>It is open, or cannot be.</summary>
    /// <param name="error">0, or the system's error.</param>
    void OnConnected(int error);

    /// <summary>It has something to read, or room for more.</summary>
    void OnBackendReady();

    /// <summary>What was kept to be sent cannot be: the node has closed. It may have answered before.</summary>
    void OnSendLost();

    /// <summary>No byte has moved for too long, or it was not accepted in time.</summary>
    void OnBackendDeadline();

    /// <summary>Something went wrong that should not have.</summary>
    void OnBackendBroken();
}

/// <summary>A connection to a node, used by one exchange at a time, or idle in its <see cref="BackendPool"/>.</summary>
internal sealed class BackendConnection(FrontLoop loop, FrontSocket socket, BackendPool pool) : FrontConnection(loop, socket)
{
    public BackendPool Pool { get; } = pool;

    /// <summary>Null while it is idle.</summary>
    public IBackendUser? User { get; set; }

    public bool IsConnecting { get; set; }

    /// <summary>Whether it has carried an exchange before this one.</summary>
    public bool IsReused { get; set; }

    /// <summary>Whether somebody has logged in on it (NTLM, Negotiate): it serves one client's connection and no other.</summary>
    public bool IsBound { get; set; }

    /// <summary>Whether the node has, or may have, seen something of the present exchange.</summary>
    public bool HasSent => Sent > 0;

    /// <summary>The idle connection that was used before this one.</summary>
    public BackendConnection? Below { get; set; }

    /// <summary>The idle connection that was used after this one.</summary>
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

    /// <summary>Closes it, in use or not.</summary>
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
