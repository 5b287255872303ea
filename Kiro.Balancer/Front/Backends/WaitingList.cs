using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Front.Backends;

/// <summary>Somebody who waits for a node, and a place in a list of them.</summary>
internal interface IWaiter : IAbandonable
{
    IWaiter? NextWaiter { get; set; }

    IWaiter? PreviousWaiter { get; set; }

    bool IsWaiting { get; set; }
}

/// <summary>All who wait for a node. Joining and leaving cost next to nothing.</summary>
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

    /// <summary>The node is known to hang: whoever waits now goes elsewhere.</summary>
    public void GiveUp()
    {
        // Those that come while this goes on wait for the next word.
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
