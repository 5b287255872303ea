using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>What was counted over the last while, from a sample every so often; in fixed memory. Not safe for several threads.</summary>
/// <param name="samples">How many samples the while has.</param>
internal sealed class TrafficWindow(int samples)
{
    private readonly Queue<TrafficCounts> _samples = new(samples + 1);

    /// <summary>Takes the counts of this moment in.</summary>
    public void Add(TrafficCounts now)
    {
        _samples.Enqueue(now);
        if (_samples.Count > samples)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>What was counted since the oldest sample.</summary>
    public TrafficCounts Until(TrafficCounts now) => _samples.TryPeek(out var oldest) ? now.Since(oldest) : now;
}
