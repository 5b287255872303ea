using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Decides when to probe next.</summary>
internal sealed class ProbeSchedule(Reloadable<HealthOptions> options)
{
    /// <summary>For backends that have never been up and wait for their first passed probe.</summary>
    private static readonly TimeSpan StartingInterval = TimeSpan.FromSeconds(1);

    /// <summary>For backends that are down, changing state or leaving.</summary>
    private static readonly TimeSpan FastInterval = TimeSpan.FromSeconds(2);

    /// <summary>The rate of probes of all backends that are not up, unless <c>HEALTH_INTERVAL</c> asks for more: thousands of missing
    /// backends must not cost a core.</summary>
    private const double MaxPerSecond = 500;

    /// <summary>Backoff: a backend that is down or degraded is probed this often within the time that it has been so.</summary>
    private const int ProbesPerOutage = 30;

    /// <summary>Keeps balancers from probing a backend all at the same time.</summary>
    private const double Jitter = 0.1;

    /// <summary>Coalesces the probes of healthy backends that are due within this time: most of a probe's cost is the wakeup.</summary>
    private static readonly TimeSpan Coalescing = TimeSpan.FromMilliseconds(250);

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last probe.</param>
    /// <param name="snapshot">The current backends.</param>
    /// <param name="uptime">The current time, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="random">Uniformly distributed from 0 to 1.</param>
    public TimeSpan Next(BackendHealth health, BackendSnapshot snapshot, TimeSpan uptime, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var regular = options.Value.Interval;
        var interval = isSteady ? regular
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        if (!isSteady)
        {
            // No backoff for one that passes its probes, or while no backend is up.
            var isGone = health is { Verdict: not BackendVerdict.Up, Successes: 0 } && !snapshot.Selector.IsPanic;
            interval = Max(interval, TimeSpan.FromSeconds(snapshot.NotUp / MaxPerSecond), isGone ? (uptime - health.Since.Uptime) / ProbesPerOutage : default);
        }
        else if (health.DegradedSince is { } degraded)
        {
            // Backends often share a dependency, so all of them may be degraded.
            interval = Max(FastInterval, TimeSpan.FromSeconds(snapshot.Backends.Count / MaxPerSecond), (uptime - degraded.Uptime) / ProbesPerOutage);
        }

        var bounded = interval < regular ? interval : regular;
        var wait = bounded * (1 + Jitter * (2 * random - 1));
        return isSteady && bounded * Jitter > Coalescing ? Aligned(uptime + wait, min: uptime + bounded * (1 - Jitter)) - uptime : wait;
    }

    private static TimeSpan Aligned(TimeSpan due, TimeSpan min)
    {
        var before = TimeSpan.FromTicks(due.Ticks - due.Ticks % Coalescing.Ticks);
        return before >= min ? before : before + Coalescing;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan two, TimeSpan three) => one > two ? (one > three ? one : three) : two > three ? two : three;
}
