using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Closes the streams of a node, or of a balancer, that has been draining for the time of grace. A node whose sessions may
/// end by themselves keeps its streams.</summary>
internal sealed class StreamDrain(
    OpenStreams streams, BackendRegistry registry, Reloadable<StreamOptions> options, Drain drain, Reloadable<DrainOptions> drainOptions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan TimeToClose = TimeSpan.FromSeconds(4);

    private long? _balancerDrains;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // By now the server has stopped, and with it every stream.
        }
    }

    private void Look()
    {
        if (drain.IsDraining)
        {
            _balancerDrains ??= time.GetTimestamp();
        }

        // Close frames must be sent before the server cuts whatever is still open.
        var stop = drainOptions.Value.Delay + drainOptions.Value.Timeout;
        var last = stop > 2 * TimeToClose ? stop - TimeToClose : stop / 2;
        var wanted = options.Value.Grace;
        var grace = wanted < last ? wanted : last;
        var all = _balancerDrains is { } since && time.GetElapsedTime(since) >= grace;
        foreach (var (stream, (_, backend)) in streams.All)
        {
            if (all || (registry.Current.Of(backend) is { State: BackendState.Draining, Health.KeepsSessions: false } known && registry.Now.Uptime - known.Health.Since.Uptime >= wanted))
            {
                streams.Remove(stream);
                stream.End();
            }
        }
    }
}

/// <summary>How long connections that never end by themselves may go on.</summary>
/// <param name="Grace"><c>STREAM_GRACE</c>: how long WebSockets and event streams go on after their node, or the balancer,
/// began to drain, 0 to 86400 s, default 10 s.</param>
internal sealed record StreamOptions(TimeSpan Grace)
{
    public static StreamOptions Read(SettingsReader settings) => new(settings.Seconds("STREAM_GRACE", 10, 0, 86400));
}
