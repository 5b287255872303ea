using System.Globalization;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>
/// The life of a node: what becomes of its health with everything that can happen to it. A node is out (down) while it is
/// ejected or its verdict is down; else it drains as long as anybody wants it to; else it is up, or starting before its
/// first verdict.
/// <list type="table">
/// <listheader><term>event</term><description>what it changes, whatever the state</description></listheader>
/// <item><term>probe passed</term><description>up: from starting at once, from down after <c>HEALTH_RISE</c> in a row and not
/// before an ejection is over; the node's own wish to drain ends</description></item>
/// <item><term>probe says draining</term><description>the same, and the node drains</description></item>
/// <item><term>probe silent, but the node is busy</term><description>nothing yet, as suspected; of a node that is only remembered,
/// as failed</description></item>
/// <item><term>probe failed, lost, silent or not accepted</term><description>down after <c>HEALTH_FALL</c> in a row; a node that is only
/// remembered to be up, at once</description></item>
/// <item><term>probe refused, connection refused</term><description>down</description></item>
/// <item><term>suspected</term><description>nothing yet: it counts like a failed probe, and the next probe decides</description></item>
/// <item><term>ejected</term><description>from up, or while sessions may end: down for a while, each time for longer</description></item>
/// <item><term>absent, present; twin</term><description>one reason to drain more or less</description></item>
/// <item><term>drain, evacuate, resume</term><description>the same, and each order replaces the one before</description></item>
/// <item><term>sessions had their time</term><description>from drain to evacuate</description></item>
/// </list>
/// </summary>
internal sealed class BackendTransitions(Reloadable<ProbeThresholds> thresholds)
{
    /// <summary>Envoy's outlier detection has 30 s.</summary>
    private static readonly TimeSpan EjectionStep = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxEjection = TimeSpan.FromMinutes(5);

    /// <summary>After so long a time without trouble, earlier ejections are forgotten.</summary>
    private static readonly TimeSpan EjectionMemory = TimeSpan.FromMinutes(5);

    /// <summary>A probe ended.</summary>
    public BackendHealth Probed(BackendHealth health, ProbeResult probe, Moment now)
    {
        if (probe.Outcome == ProbeOutcome.Unknown)
        {
            return health with { LastCheck = now.Time };
        }

        if (probe.Outcome == ProbeOutcome.Busy && !health.IsRemembered)
        {
            // Not known to be well, so it is probed again soon; and not known to be ill.
            return Suspected(health, health.EjectedUntil is null ? probe.Error! : health.Error!) with { LastCheck = now.Time };
        }

        var passed = probe.Outcome is ProbeOutcome.Passed or ProbeOutcome.Draining;
        var isEjected = health.EjectedUntil is { } until && !(passed && until <= now.Uptime);
        var after = health with
        {
            LastCheck = now.Time,
            Latency = probe.Latency ?? health.Latency,
            Reachable = probe.Outcome is ProbeOutcome.Passed or ProbeOutcome.Draining or ProbeOutcome.Failed,
            // While it is ejected its probes may pass, but why it is out must stay to be read.
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

    /// <summary>It refused a connection.</summary>
    public static BackendHealth Refused(BackendHealth health, string error) =>
        health with { Verdict = BackendVerdict.Down, Reachable = false, Error = error, Successes = 0 };

    /// <summary>It owes responses and gives none.</summary>
    public static BackendHealth Suspected(BackendHealth health, string reason) =>
        health with { Failures = Math.Max(1, health.Failures), Successes = 0, Error = reason };

    /// <summary>It lost requests although its probes may pass.</summary>
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

    /// <summary>Somebody wants it to drain, or not any more.</summary>
    public static BackendHealth Drained(BackendHealth health, DrainReasons reason, bool isWanted)
    {
        var reasons = isWanted ? health.DrainReasons | reason : health.DrainReasons & ~reason;
        return reasons == health.DrainReasons ? health : health with { DrainReasons = reasons };
    }

    /// <summary>An operator's order, in place of the one before.</summary>
    /// <param name="health">Until now.</param>
    /// <param name="order">One of the reasons that an operator can have, or none.</param>
    /// <param name="sessionsUntil">When sessions have had their time; null for never.</param>
    public static BackendHealth Ordered(BackendHealth health, DrainReasons order, TimeSpan? sessionsUntil = null)
    {
        var reasons = (health.DrainReasons & ~DrainReasons.ByOperator) | order;
        return reasons == health.DrainReasons && sessionsUntil == health.SessionsUntil
            ? health
            : health with { DrainReasons = reasons, SessionsUntil = sessionsUntil };
    }

    /// <summary>Time has passed: sessions may have had theirs.</summary>
    public static BackendHealth Aged(BackendHealth health, Moment now) =>
        health.SessionsUntil <= now.Uptime ? Ordered(health, DrainReasons.Operator) : health;

    /// <summary>Whether the node is in another state, or drains and does not let its sessions end any more.</summary>
    public static bool IsAnother(BackendHealth before, BackendHealth after) =>
        before.State != after.State || (before.KeepsSessions && !after.KeepsSessions);

    /// <summary>Notes when that came, if it did.</summary>
    public static BackendHealth Dated(BackendHealth before, BackendHealth after, Moment now)
    {
        if (!IsAnother(before, after))
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

/// <summary>What a probe found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Latency">Until the response was complete; null without one.</param>
/// <param name="Error">Why it did not pass, in plain words; null when it did.</param>
/// <param name="Node">The name that the node gave itself, if any.</param>
/// <param name="IsConcurrent">Whether the node says that it serves requests at the same time.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, TimeSpan? Latency, string? Error, string? Node, bool IsConcurrent = false)
{
    /// <summary>What is wrong with a node that passes all the same, in its own words; null when it says that nothing is.</summary>
    public string? Degradation { get; init; }
}

/// <summary>How a probe ended.</summary>
internal enum ProbeOutcome
{
    /// <summary>2xx.</summary>
    Passed,

    /// <summary>503 with <c>{"status":"draining"}</c>: the node works and asks for no new requests.</summary>
    Draining,

    /// <summary>Another response.</summary>
    Failed,

    /// <summary>No response in time.</summary>
    Silent,

    /// <summary>No connection in time: not even accepted.</summary>
    Unaccepted,

    /// <summary>No response in time, but what the node has in hand explains it: nothing is known about the node.</summary>
    Busy,

    /// <summary>The connection was lost before the response was complete, or there was no name server to ask.</summary>
    Lost,

    /// <summary>The balancer could not even ask: nothing is known about the node.</summary>
    Unknown,

    /// <summary>Nobody listens there: no doubt is left.</summary>
    Refused,
}

/// <summary>How many probes in a row change a verdict.</summary>
/// <param name="Fall"><c>HEALTH_FALL</c>: failures that take a node out, from 1, default 2.</param>
/// <param name="Rise"><c>HEALTH_RISE</c>: passed ones that bring it back, from 1, default 2.</param>
internal sealed record ProbeThresholds(int Fall, int Rise)
{
    public static ProbeThresholds Default { get; } = new(2, 2);
}
