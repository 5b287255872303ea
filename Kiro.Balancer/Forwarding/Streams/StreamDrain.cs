using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Closes streams after the grace period when their backend or the balancer drains. A backend that waits for its sessions to end keeps
/// its streams.</summary>
internal sealed class StreamDrain(
    OpenStreams streams, BackendRegistry registry, Reloadable<StreamOptions> options, Drain drain, Reloadable<DrainOptions> drainOptions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(4);

    private long? _balancerDrainStart;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                CloseExpired();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server has stopped, and with it every stream.
        }
    }

    private void CloseExpired()
    {
        if (drain.IsDraining)
        {
            _balancerDrainStart ??= time.GetTimestamp();
        }

        // Close frames must go out before the server aborts what is still open.
        var stop = drainOptions.Value.Delay + drainOptions.Value.Timeout;
        var latest = stop > 2 * CloseTimeout ? stop - CloseTimeout : stop / 2;
        var configured = options.Value.Grace;
        var grace = configured < latest ? configured : latest;
        var all = _balancerDrainStart is { } since && time.GetElapsedTime(since) >= grace;
        foreach (var (stream, (_, backend)) in streams.All)
        {
            if (all || (registry.Current.Of(backend) is { State: BackendState.Draining, Health.KeepsSessions: false } known && registry.Now.Uptime - known.Health.Since.Uptime >= configured))
            {
                streams.Remove(stream);
                stream.End();
            }
        }
    }
}

/// <summary>How long streams may go on while draining.</summary>
/// <param name="Grace"><c>STREAM_GRACE</c>: grace period of WebSockets and event streams after their backend or the balancer began to drain,
/// 0 to 86400 s, default 10 s.</param>
internal sealed record StreamOptions(TimeSpan Grace)
{
    public static StreamOptions Read(SettingsReader settings) => new(settings.Seconds("STREAM_GRACE", 10, 0, 86400));
}
