using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Looks at every node once a second, so that the requests themselves have nothing to write down.</summary>
internal sealed class NodeHistories(BackendRegistry registry, TimeProvider time) : IHostedService, IDisposable
{
    private readonly Lock _sampling = new();
    private readonly Dictionary<Backend, NodeHistory> _histories = [];
    private ITimer? _timer;

    /// <summary>Nothing yet for a node that joined within the last second.</summary>
    public (double RequestsPerSecond, IReadOnlyList<double?> Latencies) Of(Backend backend)
    {
        lock (_sampling)
        {
            return _histories.TryGetValue(backend, out var history) ? (history.RequestsPerSecond, history.Latencies) : (0, []);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Sample(), null, RateWindow.Period, RateWindow.Period);
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
            var backends = registry.Current.Backends;
            foreach (var gone in _histories.Keys.Except(backends.Select(known => known.Backend)).ToList())
            {
                _histories.Remove(gone);
            }

            foreach (var (backend, health) in backends)
            {
                if (!_histories.TryGetValue(backend, out var history))
                {
                    _histories[backend] = history = new NodeHistory(registry.Runtimes.Of(backend), time);
                }

                history.Sample(health);
            }
        }
    }
}
