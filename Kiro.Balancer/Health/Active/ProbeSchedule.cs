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

    /// <summary>Nodes that are not up are probed no more often than this, all together, unless <c>HEALTH_INTERVAL</c> asks for more:
    /// a list with thousands of nodes that are not there must not cost a core.</summary>
    private const double MaxPerSecond = 500;

    /// <summary>A node that has been down, or degraded, for long will hardly be well in the next second: it is probed this often within
    /// the time that it has been so.</summary>
    private const int ProbesPerOutage = 30;

    /// <summary>Probes spread over time instead of hitting a node from all balancers at once.</summary>
    private const double Jitter = 0.1;

    /// <summary>Steady nodes whose probes are due within so long are probed at one moment: what costs most of a probe is waking up for it.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(250);

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last one.</param>
    /// <param name="snapshot">The nodes as they are.</param>
    /// <param name="uptime">Now, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="random">Evenly from 0 to 1.</param>
    public TimeSpan Next(BackendHealth health, BackendSnapshot snapshot, TimeSpan uptime, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var usual = options.Value.Interval;
        var interval = isSteady ? usual
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        if (!isSteady)
        {
            // One that passes its probes is about to return. While no node is up, each is waited for.
            var isGone = health is { Verdict: not BackendVerdict.Up, Successes: 0 } && !snapshot.Selector.IsPanic;
            interval = Max(interval, TimeSpan.FromSeconds(snapshot.NotUp / MaxPerSecond), isGone ? (uptime - health.Since.Uptime) / ProbesPerOutage : default);
        }
        else if (health.DegradedSince is { } degraded)
        {
            // Nodes often lack the same thing, so all of them may be.
            interval = Max(FastInterval, TimeSpan.FromSeconds(snapshot.Backends.Count / MaxPerSecond), (uptime - degraded.Uptime) / ProbesPerOutage);
        }

        var bounded = interval < usual ? interval : usual;
        var wait = bounded * (1 + Jitter * (2 * random - 1));
        return isSteady && bounded * Jitter > Together ? Aligned(uptime + wait, min: uptime + bounded * (1 - Jitter)) - uptime : wait;
    }

    private static TimeSpan Aligned(TimeSpan due, TimeSpan min)
    {
        var before = TimeSpan.FromTicks(due.Ticks - due.Ticks % Together.Ticks);
        return before >= min ? before : before + Together;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan two, TimeSpan three) => one > two ? (one > three ? one : three) : two > three ? two : three;
}
