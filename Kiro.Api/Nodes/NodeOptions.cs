using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Nodes;

/// <summary>How nodes know of each other.</summary>
/// <param name="Heartbeat"><c>HEARTBEAT_INTERVAL</c>: 0.1 to 3600 s, default 5 s, the same on every node.</param>
internal sealed record NodeOptions(TimeSpan Heartbeat)
{
    /// <summary>A node that has been silent for this long is gone.</summary>
    public TimeSpan Patience => 3 * Heartbeat;

    public static NodeOptions Read(SettingsReader settings) => new(settings.Seconds("HEARTBEAT_INTERVAL", 5, 0.1, 3600));
}
