using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>When to probe next.</summary>
internal sealed class ProbeSchedule(Reloadable<HealthOptions> options)
{
    /// <summary>A node that has never been up: it waits for nothing but its first good probe.</summary>
    private static readonly TimeSpan StartingInterval = TimeSpan.FromSeconds(1);

    /// <summary>A node in transition, down or on its way out.</summary>
    private static readonly TimeSpan FastInterval = TimeSpan.FromSeconds(2);

    /// <summary>Probes spread over time instead of hitting a node from all balancers at once.</summary>
    private const double Jitter = 0.1;

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last one.</param>
    /// <param name="random">Evenly from 0 to 1.</param>
    public TimeSpan Next(BackendHealth health, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var usual = options.Value.Interval;
        var interval = isSteady ? usual
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        var bounded = interval < usual ? interval : usual;
        return bounded * (1 + Jitter * (2 * random - 1));
    }
}
