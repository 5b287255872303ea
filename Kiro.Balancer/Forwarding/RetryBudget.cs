namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Bounds retries to a part of the requests, so that nodes which are all in trouble do not get every request several
/// times: in each window of 10 s as many retries as a fifth of its requests, and always 100.
/// </summary>
internal sealed class RetryBudget(ForwardingCounters counters, TimeProvider time)
{
    private const double Share = 0.2;
    private const long Reserve = 100;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _taking = new();
    private long _windowStart = time.GetTimestamp();
    private long _requestsBefore;
    private long _taken;

    /// <summary>Takes one retry out of the budget, if there is one.</summary>
    public bool TryTake()
    {
        lock (_taking)
        {
            if (time.GetElapsedTime(_windowStart) >= Window)
            {
                _windowStart = time.GetTimestamp();
                _requestsBefore = counters.Requests;
                _taken = 0;
            }

            if (_taken >= Reserve + (long)(Share * (counters.Requests - _requestsBefore)))
            {
                return false;
            }

            _taken++;
            return true;
        }
    }
}
