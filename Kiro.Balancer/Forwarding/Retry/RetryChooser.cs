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
