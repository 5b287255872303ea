using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>How long connections that never end by themselves may go on.</summary>
/// <param name="Grace"><c>STREAM_GRACE</c>: how long WebSockets and event streams go on after their node, or the balancer,
/// began to drain, 0 to 86400 s, default 10 s.</param>
internal sealed record StreamOptions(TimeSpan Grace)
{
    public static StreamOptions Read(SettingsReader settings) => new(settings.Seconds("STREAM_GRACE", 10, 0, 86400));
}
