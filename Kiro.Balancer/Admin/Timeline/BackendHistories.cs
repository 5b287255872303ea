using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Samples all backends once a second, so that requests only have to count.</summary>
internal sealed class BackendHistories(BackendRegistry registry, ForwardingCounters counters, TimeProvider time) : IHostedService, IDisposable
{
    private readonly Lock _sampling = new();
    private readonly Dictionary<Backend, BackendHistory> _histories = [];
    private readonly RateWindow _all = new(() => counters.Requests, time);
    private ITimer? _timer;

    /// <summary>Client requests over the last ten seconds.</summary>
    public double RequestsPerSecond
    {
        get
        {
            lock (_sampling)
            {
                return _all.PerSecond;
            }
        }
    }

    /// <summary>Empty for a backend that joined within the last second.</summary>
    public (double RequestsPerSecond, IReadOnlyList<double?> Latencies) Of(Backend backend)
    {
        lock (_sampling)
        {
            return _histories.TryGetValue(backend, out var history) ? (history.RequestsPerSecond, history.Latencies) : (0, []);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Sample(), null, TimeSpan.Zero, RateWindow.Period);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void Sample()
    {
        lock (_sampling)
        {
            _all.Sample();
            var backends = registry.Current.Backends;
            foreach (var (backend, health) in backends)
            {
                if (!_histories.TryGetValue(backend, out var history))
                {
                    _histories[backend] = history = new BackendHistory(registry.Runtimes.Of(backend), time);
                }

                history.Sample(health);
            }

            if (_histories.Count > backends.Count)
            {
                foreach (var gone in _histories.Keys.Except(backends.Select(known => known.Backend)).ToList())
                {
                    _histories.Remove(gone);
                }
            }
        }
    }
}

/// <summary>A backend's last probes, and its request rate over the last ten seconds.</summary>
internal sealed class BackendHistory(BackendRuntime backend, TimeProvider time)
{
    public const int Probes = 30;

    private readonly Queue<double?> _latencies = new();
    private readonly RateWindow _requests = new(() => backend.Counters.Requests, time);
    private DateTimeOffset? _lastCheck;

    /// <summary>In milliseconds, oldest first; null for a probe without a response.</summary>
    public IReadOnlyList<double?> Latencies => [.. _latencies];

    public double RequestsPerSecond => _requests.PerSecond;

    /// <summary>Must be called once a second.</summary>
    /// <param name="health">The current health.</param>
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

/// <summary>The rate of a counter over the last ten seconds. Not thread-safe.</summary>
internal sealed class RateWindow(Func<long> count, TimeProvider time)
{
    private const int Samples = 10;

    private readonly Queue<(long Timestamp, long Count)> _samples = new();

    /// <summary>The interval of <see cref="Sample"/>.</summary>
    public static TimeSpan Period { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The current rate; 0 before the first sample.</summary>
    public double PerSecond =>
        _samples.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Timestamp).TotalSeconds is > 0 and var elapsed
            ? (count() - oldest.Count) / elapsed
            : 0;

    public void Sample()
    {
        _samples.Enqueue((time.GetTimestamp(), count()));
        if (_samples.Count > Samples)
        {
            _samples.Dequeue();
        }
    }
}
