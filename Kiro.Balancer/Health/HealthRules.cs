using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health;

/// <summary>How verdicts follow from probes, and when to probe next.</summary>
internal sealed class HealthRules(HealthOptions options)
{
    /// <summary>A node that has never been up: it waits for nothing but its first good probe.</summary>
    private static readonly TimeSpan StartingInterval = TimeSpan.FromSeconds(1);

    /// <summary>A node in transition, down or on its way out.</summary>
    private static readonly TimeSpan FastInterval = TimeSpan.FromSeconds(2);

    /// <summary>Probes spread over time instead of hitting a node from all balancers at once.</summary>
    private const double Jitter = 0.1;

    /// <summary>The health after a probe.</summary>
    public BackendHealth Apply(BackendHealth health, ProbeResult probe, DateTimeOffset now)
    {
        if (probe.Outcome == ProbeOutcome.Unknown)
        {
            return health with { LastCheck = now };
        }

        var passed = probe.Outcome is ProbeOutcome.Passed or ProbeOutcome.Draining;
        var after = health with
        {
            LastCheck = now,
            Latency = probe.Latency ?? health.Latency,
            Reachable = probe.Outcome is not (ProbeOutcome.Silent or ProbeOutcome.Refused),
            Error = probe.Error,
            Node = probe.Node ?? health.Node,
            Successes = passed ? health.Successes + 1 : 0,
            Failures = passed ? 0 : health.Failures + 1,
            DrainReasons = probe.Outcome switch
            {
                ProbeOutcome.Draining => health.DrainReasons | DrainReasons.Node,
                ProbeOutcome.Passed => health.DrainReasons & ~DrainReasons.Node,
                _ => health.DrainReasons,
            },
        };
        after = EjectionRules.Readmit(after, passed, now);
        var verdict = Verdict(after, probe.Outcome);
        return after with
        {
            Verdict = verdict,
            HasBeenUp = health.HasBeenUp || verdict == BackendVerdict.Up,
            // The probe passes, but why the node is out must stay to be read.
            Error = after.EjectedUntil is null ? after.Error : health.Error,
        };
    }

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last one.</param>
    /// <param name="random">Evenly from 0 to 1.</param>
    public TimeSpan NextProbe(BackendHealth health, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var interval = isSteady ? options.Interval
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        var shortest = interval < options.Interval ? interval : options.Interval;
        return shortest * (1 + Jitter * (2 * random - 1));
    }

    private BackendVerdict Verdict(BackendHealth health, ProbeOutcome outcome) => health.Verdict switch
    {
        _ when outcome == ProbeOutcome.Refused => BackendVerdict.Down,
        _ when health.Failures >= options.Fall => BackendVerdict.Down,
        not BackendVerdict.Up when health.Successes >= (health.HasBeenUp ? options.Rise : 1) => BackendVerdict.Up,
        var verdict => verdict,
    };
}
