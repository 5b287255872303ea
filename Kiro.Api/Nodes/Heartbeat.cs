using Kiro.Api.Database;
using Kiro.Api.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Nodes;

/// <summary>Updates this node's row while it runs, and marks it when it stops.</summary>
internal sealed class Heartbeat(
    NodeStore store, NodeDirectory directory, DatabaseState database, NodeOptions options, TimeProvider time,
    ILogger<Heartbeat> logger) : BackgroundService, IDatabaseProbe
{
    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs after the ledger's last flush, since a stopped node must have nothing left to write.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!database.IsUp)
        {
            return;
        }

        using var limit = new CancellationTokenSource(GoodbyeLimit, time);
        try
        {
            await store.StopAsync(limit.Token);
        }
        catch (Exception problem) when (problem is DatabaseUnavailableException || limit.IsCancellationRequested)
        {
        }
    }

    public async Task ProbeAsync(CancellationToken cancellationToken) =>
        directory.Nodes = await store.HeartbeatAsync(cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var beaten = database.IsUp && await BeatAsync(stoppingToken);
            // The others do not know this node before its first heartbeat.
            var wait = beaten || directory.Nodes.Count > 0 ? options.Heartbeat : FirstRetry;
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> BeatAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ProbeAsync(stoppingToken);
            return true;
        }
        catch (Exception problem) when (problem is DatabaseUnavailableException || stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception problem)
        {
            Log.HeartbeatBroken(logger, problem);
        }

        return false;
    }
}

/// <summary>The heartbeat settings.</summary>
/// <param name="Heartbeat"><c>HEARTBEAT_INTERVAL</c>: 0.1 to 3600 s, default 5 s, the same on every node.</param>
internal sealed record NodeOptions(TimeSpan Heartbeat)
{
    /// <summary>A node without a heartbeat for this long is considered gone.</summary>
    public TimeSpan GoneAfter => 3 * Heartbeat;

    public static NodeOptions Read(SettingsReader settings) => new(settings.Seconds("HEARTBEAT_INTERVAL", 5, 0.1, 3600));
}
