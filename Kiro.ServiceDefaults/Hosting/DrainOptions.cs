using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>How a service leaves.</summary>
/// <param name="Delay"><c>DRAIN_DELAY</c>: how long it goes on serving after SIGTERM while its health says "draining",
/// so that whoever sends it requests can look elsewhere first. 0 to 3600 s, default 5 s. Ctrl-C skips it.</param>
/// <param name="Timeout"><c>DRAIN_TIMEOUT</c>: how long requests in flight may then take to finish. 1 to 3600 s, default 30 s.</param>
public sealed record DrainOptions(TimeSpan Delay, TimeSpan Timeout)
{
    /// <summary>Reads both variables.</summary>
    public static DrainOptions Read(SettingsReader settings) => new(
        settings.Seconds("DRAIN_DELAY", 5, 0, 3600),
        settings.Seconds("DRAIN_TIMEOUT", 30, 1, 3600));
}
