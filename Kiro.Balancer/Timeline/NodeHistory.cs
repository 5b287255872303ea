using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Timeline;

/// <summary>A node's last probes, and its requests per second over the last ten seconds.</summary>
internal sealed class NodeHistory(Backend backend, TimeProvider time)
{
    public const int Probes = 30;
    private const int Samples = 10;

    private readonly Queue<double?> _latencies = new();
    private readonly Queue<(long Timestamp, long Requests)> _requests = new();
    private DateTimeOffset? _lastCheck;

    /// <summary>In milliseconds, oldest first; null for a probe that got no answer.</summary>
    public IReadOnlyList<double?> Latencies => [.. _latencies];

    public double RequestsPerSecond => _requests.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Timestamp).TotalSeconds is > 0 and var elapsed
        ? (backend.Counters.Requests - oldest.Requests) / elapsed
        : 0;

    /// <summary>To be called once a second.</summary>
    public void Sample()
    {
        var health = backend.Health;
        if (health.LastCheck != _lastCheck)
        {
            _lastCheck = health.LastCheck;
            Keep(_latencies, health.Reachable && health.Latency is { } latency ? Math.Round(latency.TotalMilliseconds, 1) : null, Probes);
        }

        Keep(_requests, (time.GetTimestamp(), backend.Counters.Requests), Samples);
    }

    private static void Keep<T>(Queue<T> queue, T item, int most)
    {
        queue.Enqueue(item);
        if (queue.Count > most)
        {
            queue.Dequeue();
        }
    }
}
