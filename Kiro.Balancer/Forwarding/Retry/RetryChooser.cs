using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Selects where a failed request is retried. While no backend can have seen it, it may try several. Once one may have processed it, it is retried
/// once more only: a request that crashes or hangs its backend must not take down all of them.
/// </summary>
internal sealed class RetryChooser(BackendChooser chooser, RetryBudget budget) : IFailover
{
    /// <returns>Null if the request must not be retried, or there is no other backend.</returns>
    public ChosenBackend? Next(IRetryableRequest request, RequestFailure failure)
    {
        var mayHaveRun = failure.Point == FailurePoint.BeforeResponse;
        if (!RetryPolicy.Allows(failure.Point, request.Method, request.Body)
            || request.Tried.Count >= RetryPolicy.MaxTries
            || (mayHaveRun && request.MayHaveRun)
            || chooser.Next(request.Slot, request.Tried) is not { } next
            // TryFailOver has already taken this one from the budget.
            || (failure != RequestFailure.BackendHung && !budget.TryTake()))
        {
            return null;
        }

        request.MayHaveRun |= mayHaveRun;
        return next;
    }

    /// <summary>Allows a request to leave a hung backend: once, for one that is up, and within the budget.</summary>
    public bool TryFailOver(IRetryableRequest request, Backend from) =>
        !request.MayHaveRun
        && request.Tried.Count + 1 < RetryPolicy.MaxTries
        && chooser.Next(request.Slot, [.. request.Tried, from]) is { Known.State: BackendState.Up }
        && budget.TryTake();
}
