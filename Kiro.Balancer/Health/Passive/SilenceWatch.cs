using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Passive;

/// <summary>
/// Notices nodes that accept requests and answer none of them, long before the next regular probe. A node with one slow
/// request is only probed; one that does not answer the probe either is out, and what waits for it goes elsewhere.
/// </summary>
internal sealed class SilenceWatch(BackendRegistry registry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    /// <summary>Silence beyond this raises suspicion.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>A node that passed the probe is not suspected again before.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var suspected = new Dictionary<Backend, long>();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Look(suspected);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }

    private void Look(Dictionary<Backend, long> suspected)
    {
        var snapshot = registry.Current;
        foreach (var (backend, health) in snapshot.Backends)
        {
            if (health is { KeepsSessions: true, Failures: 0 }
                && registry.Runtimes.Of(backend).Counters.Silence > Patience
                && (!suspected.TryGetValue(backend, out var before) || time.GetElapsedTime(before) > Pause))
            {
                suspected[backend] = time.GetTimestamp();
                registry.Suspect(backend, "no response to requests");
            }
        }

        foreach (var gone in suspected.Keys.Where(backend => snapshot.Of(backend) is null).ToList())
        {
            suspected.Remove(gone);
        }
    }
}
