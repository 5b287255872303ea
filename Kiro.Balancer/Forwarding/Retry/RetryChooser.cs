using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Where a request goes after a node failed it. It may be tried on several nodes as long as none has seen it, and is given to
/// one more, and no third, after it may have run: a request that breaks or blocks its node must not go through all of them.
/// </summary>
internal sealed class RetryChooser(BackendChooser chooser, RetryBudget budget) : ILeaving
{
    /// <returns>Null when the request must not go on to another node, or there is none.</returns>
    public ChosenBackend? Next(ITried request, RequestFailure failure)
    {
        var mayHaveRun = failure.Point == FailurePoint.BeforeResponse;
        if (!RetryPolicy.Allows(failure.Point, request.Method, request.Body)
            || request.Tried.Count >= RetryPolicy.MaxTries
            || (mayHaveRun && request.MayHaveRun)
            || chooser.Next(request.Slot, request.Tried) is not { } next
            // Who left a node that hangs has paid already.
            || (failure != RequestFailure.BackendHangs && !budget.TryTake()))
        {
            return null;
        }

        request.MayHaveRun |= mayHaveRun;
        return next;
    }

    /// <summary>Once, for a node that is up, and within the budget.</summary>
    public bool TryLeave(ITried request, Backend from) =>
        !request.MayHaveRun
        && request.Tried.Count + 1 < RetryPolicy.MaxTries
        && chooser.Next(request.Slot, [.. request.Tried, from]) is { Known.State: BackendState.Up }
        && budget.TryTake();
}

/// <summary>
/// Bounds retries to a part of the requests, so that nodes which are all in trouble do not get every request several
/// times. A bucket of 1,000 gains a fifth of every request and 10 a second: what good times left over is there for the
/// moment in which a busy node dies with everything that it had in hand.
/// </summary>
/// <param name="requests">Requests of clients since the start; only ever grows.</param>
/// <param name="time">The clock.</param>
internal sealed class RetryBudget(Func<long> requests, TimeProvider time)
{
    private const double Size = 1000;
    private const double Start = 100;
    private const double PerRequest = 0.2;
    private const double PerSecond = 10;

    private readonly Lock _taking = new();
    private double _left = Start;
    private long _requestsSeen;
    private long _lastGain = time.GetTimestamp();
    private long _refused;

    /// <summary>Retries that were not made because the budget was empty.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Takes one retry out of the budget, if there is one.</summary>
    public bool TryTake()
    {
        lock (_taking)
        {
            var (seen, now) = (requests(), time.GetTimestamp());
            var gain = PerRequest * (seen - _requestsSeen) + PerSecond * time.GetElapsedTime(_lastGain, now).TotalSeconds;
            _left = Math.Min(Size, _left + gain);
            (_requestsSeen, _lastGain) = (seen, now);
            if (_left < 1)
            {
                _refused++;
                return false;
            }

            _left--;
            return true;
        }
    }
}
