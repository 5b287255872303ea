using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Status;

/// <summary>Requests per second over the last ten seconds, from a sample a second.</summary>
internal sealed class RequestRate(ForwardingCounters counters, TimeProvider time) : IHostedService, IDisposable
{
    private const int Samples = 10;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _sampling = new();
    private readonly Queue<(long Timestamp, long Requests)> _samples = new();
    private ITimer? _timer;

    public double PerSecond
    {
        get
        {
            lock (_sampling)
            {
                if (!_samples.TryPeek(out var oldest))
                {
                    return 0;
                }

                var elapsed = time.GetElapsedTime(oldest.Timestamp).TotalSeconds;
                return elapsed > 0 ? (counters.Requests - oldest.Requests) / elapsed : 0;
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Sample(), null, TimeSpan.Zero, Period);
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
            _samples.Enqueue((time.GetTimestamp(), counters.Requests));
            if (_samples.Count > Samples)
            {
                _samples.Dequeue();
            }
        }
    }
}
