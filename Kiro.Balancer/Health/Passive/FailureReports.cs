using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;

namespace Kiro.Balancer.Health.Passive;

/// <summary>Hears from requests how their nodes did, and draws the conclusions.</summary>
internal sealed class FailureReports(BackendRegistry registry)
{
    /// <summary>Requests lost in a row that are no accident any more.</summary>
    private const int MaxLossesInARow = 5;

    /// <summary>The node gave a complete response.</summary>
    public static void Responded(BackendRuntime backend) => backend.Counters.ForgetLosses();

    /// <summary>Nobody listens there.</summary>
    public void Refused(BackendRuntime backend, string problem)
    {
        backend.Counters.Fail();
        registry.TakeOut(backend.Backend, problem);
    }

    /// <summary>The node did not accept a connection in time.</summary>
    public void Unaccepted(BackendRuntime backend, string problem)
    {
        if (backend.Counters.Awaiting >= BusyCheck.MinListenQueue)
        {
            // Busy, with a full listen queue, it may be. The probe finds out.
            Unreached(backend);
            return;
        }

        Refused(backend, problem);
    }

    /// <summary>There was no connection, and it is not known whether the node is to blame.</summary>
    public static void Unreached(BackendRuntime backend)
    {
        backend.Counters.Fail();
        backend.ProbeNow.Set();
    }

    /// <summary>A request was lost on an open connection, before or in the middle of its response.</summary>
    public void Lost(BackendRuntime backend)
    {
        Unreached(backend);
        if (backend.Counters.Lose() >= MaxLossesInARow
            && registry.Eject(backend.Backend, $"{MaxLossesInARow} requests in a row were lost"))
        {
            backend.Counters.ForgetLosses();
        }
    }
}

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
