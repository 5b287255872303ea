using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Admin;

/// <summary>Requests per second of the whole balancer.</summary>
internal sealed class RequestRate(ForwardingCounters counters, TimeProvider time) : IHostedService, IDisposable
{
    private readonly Lock _sampling = new();
    private readonly RateWindow _requests = new(() => counters.Requests, time);
    private ITimer? _timer;

    public double PerSecond
    {
        get
        {
            lock (_sampling)
            {
                return _requests.PerSecond;
            }
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
            _requests.Sample();
        }
    }
}
