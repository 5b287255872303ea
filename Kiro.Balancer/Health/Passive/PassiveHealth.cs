using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;

namespace Kiro.Balancer.Health.Passive;

/// <summary>Passive health checks: acts on the outcome of forwarded requests.</summary>
internal sealed class PassiveHealth(BackendRegistry registry)
{
    /// <summary>Consecutive lost requests that eject a backend.</summary>
    private const int MaxLossesInARow = 5;

    /// <summary>A response was complete.</summary>
    public static void Responded(BackendRuntime backend) => backend.Counters.ResetLosses();

    /// <summary>A connection was refused.</summary>
    public void Refused(BackendRuntime backend, string problem)
    {
        backend.Counters.Fail();
        registry.MarkDown(backend.Backend, problem);
    }

    /// <summary>A connection was not accepted in time.</summary>
    public void ConnectTimedOut(BackendRuntime backend, string problem)
    {
        if (backend.Counters.Awaiting >= BusyCheck.MinListenQueue)
        {
            // The listen queue may be full. A probe finds out.
            Unreachable(backend);
            return;
        }

        Refused(backend, problem);
    }

    /// <summary>No connection, not necessarily through the backend's fault.</summary>
    public static void Unreachable(BackendRuntime backend)
    {
        backend.Counters.Fail();
        backend.ProbeNow.Set();
    }

    /// <summary>A request was lost on an open connection, before or during its response.</summary>
    public void Lost(BackendRuntime backend)
    {
        Unreachable(backend);
        if (backend.Counters.RecordLoss() >= MaxLossesInARow
            && registry.Eject(backend.Backend, $"{MaxLossesInARow} consecutive requests were lost"))
        {
            backend.Counters.ResetLosses();
        }
    }
}

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
