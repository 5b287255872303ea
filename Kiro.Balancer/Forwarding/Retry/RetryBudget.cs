namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Limits retries to a fraction of the requests, so that they do not multiply the load when all backends are in trouble. A token bucket of 1,000
/// that gains 0.2 per request and 10 a second: enough for everything in flight when a busy backend dies.
/// </summary>
/// <param name="requests">Client requests since the start.</param>
/// <param name="time">The clock.</param>
internal sealed class RetryBudget(Func<long> requests, TimeProvider time)
{
    private const double Size = 1000;
    private const double Start = 100;
    private const double PerRequest = 0.2;
    private const double PerSecond = 10;

    private readonly Lock _taking = new();
    private double _tokens = Start;
    private long _lastRequests;
    private long _lastGain = time.GetTimestamp();
    private long _refused;

    /// <summary>Retries that the budget did not allow.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Takes one retry out of the budget.</summary>
    public bool TryTake()
    {
        lock (_taking)
        {
            var (seen, now) = (requests(), time.GetTimestamp());
            var gain = PerRequest * (seen - _lastRequests) + PerSecond * time.GetElapsedTime(_lastGain, now).TotalSeconds;
            _tokens = Math.Min(Size, _tokens + gain);
            (_lastRequests, _lastGain) = (seen, now);
            if (_tokens < 1)
            {
                _refused++;
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
