using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>A node's last probes, and its requests per second over the last ten seconds.</summary>
internal sealed class BackendHistory(BackendRuntime backend, TimeProvider time)
{
    public const int Probes = 30;

    private readonly Queue<double?> _latencies = new();
    private readonly RateWindow _requests = new(() => backend.Counters.Requests, time);
    private DateTimeOffset? _lastCheck;

    /// <summary>In milliseconds, oldest first; null for a probe that got no response.</summary>
    public IReadOnlyList<double?> Latencies => [.. _latencies];

    public double RequestsPerSecond => _requests.PerSecond;

    /// <summary>To be called once a second.</summary>
    /// <param name="health">The node's, at this moment.</param>
    public void Sample(BackendHealth health)
    {
        if (health.LastCheck != _lastCheck)
        {
            _lastCheck = health.LastCheck;
            _latencies.Enqueue(health.Reachable && health.Latency is { } latency ? Math.Round(latency.TotalMilliseconds, 1) : null);
            if (_latencies.Count > Probes)
            {
                _latencies.Dequeue();
            }
        }

        _requests.Sample();
    }
}
