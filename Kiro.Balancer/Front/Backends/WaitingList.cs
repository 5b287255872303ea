using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Front.Backends;

/// <summary>An attempt that waits for a response: a node of the intrusive <see cref="WaitingList"/>.</summary>
internal interface IWaitingAttempt : IAbandonable
{
    IWaitingAttempt? NextWaiting { get; set; }

    IWaitingAttempt? PreviousWaiting { get; set; }

    bool IsWaiting { get; set; }
}

/// <summary>The attempts that wait for a response from a backend. Adding and removing are O(1) and allocate nothing.</summary>
internal sealed class WaitingList
{
    private IWaitingAttempt? _first;

    public void Add(IWaitingAttempt attempt)
    {
        attempt.IsWaiting = true;
        attempt.NextWaiting = _first;
        if (_first is not null)
        {
            _first.PreviousWaiting = attempt;
        }

        _first = attempt;
    }

    public void Remove(IWaitingAttempt attempt)
    {
        if (!attempt.IsWaiting)
        {
            return;
        }

        attempt.IsWaiting = false;
        if (attempt.PreviousWaiting is { } previous)
        {
            previous.NextWaiting = attempt.NextWaiting;
        }
        else
        {
            _first = attempt.NextWaiting;
        }

        if (attempt.NextWaiting is { } next)
        {
            next.PreviousWaiting = attempt.PreviousWaiting;
        }

        attempt.NextWaiting = attempt.PreviousWaiting = null;
    }

    /// <summary>The backend hangs: has every attempt that waits now fail over.</summary>
    public void AbandonAll()
    {
        // Failing over may add to the list; those wait for the next call.
        var all = new List<IWaitingAttempt>();
        for (var attempt = _first; attempt is not null; attempt = attempt.NextWaiting)
        {
            all.Add(attempt);
        }

        foreach (var attempt in all.Where(attempt => attempt.IsWaiting))
        {
            attempt.Abandon();
        }
    }
}
