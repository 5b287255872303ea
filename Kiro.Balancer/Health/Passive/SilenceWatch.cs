using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Passive;

/// <summary>
/// Detects backends that accept requests but respond to none, long before the next regular probe, and probes them. If the probe
/// gets no response either, the backend is marked down and waiting requests go elsewhere; with a single slow request, it stays.
/// </summary>
internal sealed class SilenceWatch(BackendRegistry registry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    /// <summary>A backend without any response for longer is suspect.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(1);

    /// <summary>Before a backend can become suspect again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var suspected = new Dictionary<Backend, long>();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Check(suspected);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown.
        }
    }

    private void Check(Dictionary<Backend, long> suspected)
    {
        var snapshot = registry.Current;
        foreach (var (backend, health) in snapshot.Backends)
        {
            if (health is { KeepsSessions: true, Failures: 0 }
                && registry.Runtimes.Of(backend).Counters.Silence > MaxSilence
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
