using System.Globalization;

namespace Kiro.Balancer.Backends;

/// <summary>How long a node stays out that loses requests: 10 s times the number of times (Envoy's outlier detection has 30 s).</summary>
internal static class EjectionRules
{
    /// <summary>Requests lost in a row that are no accident any more.</summary>
    public const int LossesInARow = 5;

    private static readonly TimeSpan Base = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>After so long a time without trouble, earlier ejections are forgotten.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(5);

    public static BackendHealth Eject(BackendHealth health, string reason, DateTimeOffset now)
    {
        var times = now - health.Since > Forgotten ? 1 : health.Ejections + 1;
        var duration = Base * times < Longest ? Base * times : Longest;
        return health with
        {
            Ejections = times,
            EjectedUntil = now + duration,
            Error = string.Create(CultureInfo.InvariantCulture, $"ejected for {duration.TotalSeconds:0} s: {reason}"),
        };
    }

    /// <summary>Lets the node back in when its time is over and its probe passes.</summary>
    public static BackendHealth Readmit(BackendHealth health, bool passed, DateTimeOffset now) =>
        passed && health.EjectedUntil <= now ? health with { EjectedUntil = null } : health;
}
