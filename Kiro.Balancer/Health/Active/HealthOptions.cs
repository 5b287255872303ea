using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>The active probe.</summary>
/// <param name="Path"><c>HEALTH_PATH</c>, default <c>/health</c>.</param>
/// <param name="Interval"><c>HEALTH_INTERVAL</c>: between two probes of a node that is up, 0.1 to 3600 s, default 30 s.</param>
/// <param name="Timeout"><c>HEALTH_TIMEOUT</c>: for the whole answer, 0.1 to 300 s, default 3 s.</param>
/// <param name="Thresholds"><c>HEALTH_FALL</c> and <c>HEALTH_RISE</c>, each 1 to 100.</param>
internal sealed record HealthOptions(string Path, TimeSpan Interval, TimeSpan Timeout, ProbeThresholds Thresholds)
{
    public static HealthOptions Read(SettingsReader settings)
    {
        var path = settings.Text("HEALTH_PATH", "/health");
        if (!path.StartsWith('/') || !Uri.IsWellFormedUriString(path, UriKind.Relative))
        {
            settings.Reject("HEALTH_PATH", path, "a path that begins with /");
        }

        var interval = settings.Seconds("HEALTH_INTERVAL", 30, 0.1, 3600);
        var timeout = settings.Seconds("HEALTH_TIMEOUT", 3, 0.1, 300);
        if (timeout > interval)
        {
            settings.Warn("HEALTH_TIMEOUT is longer than HEALTH_INTERVAL: a node that hangs is probed less often than the interval says.");
        }

        return new HealthOptions(
            path,
            interval,
            timeout,
            new ProbeThresholds(settings.WholeNumber("HEALTH_FALL", 2, 1, 100), settings.WholeNumber("HEALTH_RISE", 2, 1, 100)));
    }
}
