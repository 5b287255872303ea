using System.Globalization;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>
/// The state machine of a backend: what each event does to its health. It is down while its verdict is down or it is ejected; else
/// draining while there is any reason to; else up, or starting before its first verdict.
/// <list type="table">
/// <listheader><term>event</term><description>effect, in any state</description></listheader>
/// <item><term>probe passed</term><description>up: from starting immediately, from down after <c>HEALTH_RISE</c> in a row and
/// once an ejection is over; a drain requested by the backend ends</description></item>
/// <item><term>probe says draining</term><description>the same, but the backend drains</description></item>
/// <item><term>probe timed out, but the backend is busy</term><description>as suspected; if its health is only remembered,
/// as failed</description></item>
/// <item><term>probe failed, lost or timed out</term><description>down after <c>HEALTH_FALL</c> in a row; immediately if its
/// health is only remembered</description></item>
/// <item><term>probe refused, connection refused</term><description>down</description></item>
/// <item><term>suspected</term><description>counts as a failed probe; the next probe decides</description></item>
/// <item><term>ejected</term><description>from up, or while sessions drain: down for a while, longer each time</description></item>
/// <item><term>absent, present; twin</term><description>adds or removes that reason to drain</description></item>
/// <item><term>drain, evacuate, resume</term><description>the same; each order replaces the previous one</description></item>
/// <item><term>drain timeout</term><description>from drain to evacuate</description></item>
/// </list>
/// </summary>
internal sealed class BackendTransitions(Reloadable<ProbeThresholds> thresholds)
{
    /// <summary>Envoy's outlier detection uses 30 s.</summary>
    private static readonly TimeSpan EjectionStep = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxEjection = TimeSpan.FromMinutes(5);

    /// <summary>After this long without trouble, earlier ejections no longer count.</summary>
    private static readonly TimeSpan EjectionMemory = TimeSpan.FromMinutes(5);

    public BackendHealth Probed(BackendHealth health, ProbeResult probe, Moment now)
    {
        if (probe.Outcome == ProbeOutcome.Unknown)
        {
            return health with { LastCheck = now.Time };
        }

        if (probe.Outcome == ProbeOutcome.Busy && !health.IsRemembered)
        {
            // Neither healthy nor unhealthy: probed again soon.
            return Suspected(health, health.EjectedUntil is null ? probe.Error! : health.Error!) with { LastCheck = now.Time };
        }

        var passed = probe.Outcome is ProbeOutcome.Passed or ProbeOutcome.Draining;
        var isEjected = health.EjectedUntil is { } until && !(passed && until <= now.Uptime);
        var after = health with
        {
            LastCheck = now.Time,
            Latency = probe.Latency ?? health.Latency,
            Reachable = probe.Outcome is ProbeOutcome.Passed or ProbeOutcome.Draining or ProbeOutcome.Failed,
            // Probes may pass during an ejection; its reason must stay visible.
            Error = isEjected ? health.Error : probe.Error,
            Node = probe.Node ?? health.Node,
            Degradation = probe.Degradation,
            DegradedSince = probe.Degradation is null ? null : health.DegradedSince ?? now,
            IsConcurrent = probe.Latency is null ? health.IsConcurrent : probe.IsConcurrent,
            Successes = passed ? health.Successes + 1 : 0,
            Failures = passed ? 0 : health.Failures + 1,
            EjectedUntil = isEjected ? health.EjectedUntil : null,
            DrainReasons = probe.Outcome switch
            {
                ProbeOutcome.Draining => health.DrainReasons | DrainReasons.Node,
                ProbeOutcome.Passed => health.DrainReasons & ~DrainReasons.Node,
                _ => health.DrainReasons,
            },
        };
        var verdict = Verdict(after, probe.Outcome);
        return after with { IsRemembered = false, Verdict = verdict, HasBeenUp = health.HasBeenUp || verdict == BackendVerdict.Up };
    }

    /// <summary>A connection was refused.</summary>
    public static BackendHealth Refused(BackendHealth health, string error) =>
        health with { Verdict = BackendVerdict.Down, Reachable = false, Error = error, Successes = 0 };

    /// <summary>Requests get no response.</summary>
    public static BackendHealth Suspected(BackendHealth health, string reason) =>
        health with { Failures = Math.Max(1, health.Failures), Successes = 0, Error = reason };

    /// <summary>Requests are lost although probes may pass.</summary>
    public static BackendHealth Ejected(BackendHealth health, string reason, Moment now)
    {
        if (!health.KeepsSessions)
        {
            return health;
        }

        var times = now.Uptime - health.Since.Uptime > EjectionMemory ? 1 : health.Ejections + 1;
        var duration = EjectionStep * times < MaxEjection ? EjectionStep * times : MaxEjection;
        return health with
        {
            Ejections = times,
            EjectedUntil = now.Uptime + duration,
            Error = string.Create(CultureInfo.InvariantCulture, $"ejected for {duration.TotalSeconds:0} s: {reason}"),
        };
    }

    /// <summary>Adds or removes a reason to drain.</summary>
    public static BackendHealth Drained(BackendHealth health, DrainReasons reason, bool isWanted)
    {
        var reasons = isWanted ? health.DrainReasons | reason : health.DrainReasons & ~reason;
        return reasons == health.DrainReasons ? health : health with { DrainReasons = reasons };
    }

    /// <summary>Replaces the operator's order.</summary>
    /// <param name="health">The current health.</param>
    /// <param name="order">One of <see cref="DrainReasons.ByOperator"/>, or none.</param>
    /// <param name="sessionsUntil">The drain timeout; null for none.</param>
    public static BackendHealth Ordered(BackendHealth health, DrainReasons order, TimeSpan? sessionsUntil = null)
    {
        var reasons = (health.DrainReasons & ~DrainReasons.ByOperator) | order;
        return reasons == health.DrainReasons && sessionsUntil == health.SessionsUntil
            ? health
            : health with { DrainReasons = reasons, SessionsUntil = sessionsUntil };
    }

    /// <summary>Evacuates the backend if its drain timeout has passed.</summary>
    public static BackendHealth DrainExpired(BackendHealth health, Moment now) =>
        health.SessionsUntil <= now.Uptime ? Ordered(health, DrainReasons.Operator) : health;

    /// <summary>Whether the state has changed, or a drain no longer keeps sessions.</summary>
    public static bool IsStateChange(BackendHealth before, BackendHealth after) =>
        before.State != after.State || (before.KeepsSessions && !after.KeepsSessions);

    /// <summary>Sets the times of a state change.</summary>
    public static BackendHealth WithTimes(BackendHealth before, BackendHealth after, Moment now)
    {
        if (!IsStateChange(before, after))
        {
            return after;
        }

        var comesBack = before.State == BackendState.Down && after.State == BackendState.Up && before.HasBeenUp;
        return after with { Since = now, CameBack = comesBack ? now.Uptime : after.CameBack };
    }

    private BackendVerdict Verdict(BackendHealth health, ProbeOutcome outcome) => health.Verdict switch
    {
        _ when outcome == ProbeOutcome.Refused => BackendVerdict.Down,
        _ when health is { IsRemembered: true, Failures: > 0 } => BackendVerdict.Down,
        _ when health.Failures >= thresholds.Value.Fall => BackendVerdict.Down,
        not BackendVerdict.Up when health.Successes >= (health.HasBeenUp ? thresholds.Value.Rise : 1) => BackendVerdict.Up,
        var verdict => verdict,
    };
}

/// <summary>The result of a probe.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Latency">Until the response was complete; null without one.</param>
/// <param name="Error">Why it did not pass; null if it did.</param>
/// <param name="Node">The name reported by the backend, if any.</param>
/// <param name="IsConcurrent">Whether the backend reports that it serves requests concurrently.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, TimeSpan? Latency, string? Error, string? Node, bool IsConcurrent = false)
{
    /// <summary>What a passing backend reports to be wrong; null if nothing.</summary>
    public string? Degradation { get; init; }
}

/// <summary>How a probe ended.</summary>
internal enum ProbeOutcome
{
    /// <summary>2xx.</summary>
    Passed,

    /// <summary>503 with <c>{"status":"draining"}</c>: the backend works, but wants no new requests.</summary>
    Draining,

    /// <summary>Another response.</summary>
    Failed,

    /// <summary>Connected, but no response in time.</summary>
    TimedOut,

    /// <summary>No connection in time.</summary>
    ConnectTimedOut,

    /// <summary>Timed out, but its requests in flight explain that: proves nothing about the backend.</summary>
    Busy,

    /// <summary>The connection was lost before the response was complete, or no name server responded.</summary>
    Lost,

    /// <summary>The balancer had no socket for the probe: proves nothing about the backend.</summary>
    Unknown,

    /// <summary>The connection was refused: certain proof.</summary>
    Refused,
}

/// <summary>How many consecutive probes change a verdict.</summary>
/// <param name="Fall"><c>HEALTH_FALL</c>: failures that mark a backend down, from 1, default 2.</param>
/// <param name="Rise"><c>HEALTH_RISE</c>: passed probes that bring it back up, from 1, default 2.</param>
internal sealed record ProbeThresholds(int Fall, int Rise)
{
    public static ProbeThresholds Default { get; } = new(2, 2);
}
