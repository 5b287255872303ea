using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Looks at every node, and at all together, once a second, so that the requests themselves have nothing to write down.</summary>
internal sealed class BackendHistories(BackendRegistry registry, ForwardingCounters counters, TimeProvider time) : IHostedService, IDisposable
{
    private readonly Lock _sampling = new();
    private readonly Dictionary<Backend, BackendHistory> _histories = [];
    private readonly RateWindow _all = new(() => counters.Requests, time);
    private ITimer? _timer;

    /// <summary>Requests of clients, over the last ten seconds.</summary>
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
            foreach (var gone in _histories.Keys.Except(backends.Select(known => known.Backend)).ToList())
            {
                _histories.Remove(gone);
            }

            foreach (var (backend, health) in backends)
            {
                if (!_histories.TryGetValue(backend, out var history))
                {
                    _histories[backend] = history = new BackendHistory(registry.Runtimes.Of(backend), time);
                }

                history.Sample(health);
            }
        }
    }
}
