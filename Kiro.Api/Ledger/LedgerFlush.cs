using Kiro.Api.Database;
using Kiro.Api.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Ledger;

/// <summary>Writes the counts to the database periodically, and once more after the last request.</summary>
internal sealed class LedgerFlush(
    LedgerOutbox outbox, LedgerStore store, DatabaseState database, LedgerOptions options, ApiMetrics metrics,
    TimeProvider time, ILogger<LedgerFlush> logger) : BackgroundService, IDatabaseProbe
{
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastFlushRetry = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>Writes all pending counts; false if the database did not accept them all.</summary>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await WriteAllAsync(cancellationToken);
            return true;
        }
        catch (DatabaseUnavailableException)
        {
            return false;
        }
    }

    /// <summary>Writing the pending counts is the best proof: something smaller might still fit on a full disk.</summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        if (!await WriteAllAsync(cancellationToken))
        {
            await store.ProbeAsync(cancellationToken);
        }
    }

    /// <returns>False if there was nothing to write.</returns>
    private async Task<bool> WriteAllAsync(CancellationToken cancellationToken)
    {
        var hasWritten = false;
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            while (outbox.Next() is { } batch)
            {
                if (!await store.WriteAsync(batch, cancellationToken))
                {
                    Log.BatchWasWritten(logger, batch.Number);
                }

                outbox.Confirm();
                metrics.Flushed(batch.Requests);
                Log.BatchWritten(logger, batch.Number, batch.Requests, batch.Entries.Count);
                hasWritten = true;
            }

            return hasWritten;
        }
        catch (DatabaseUnavailableException)
        {
            metrics.FlushFailed();
            throw;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Called by the host after Kestrel has stopped, when nothing is counted any more.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Slow requests may have used up the host's shutdown time, so the last flush has its own limit.
        using var limit = new CancellationTokenSource(LastFlush, time);
        try
        {
            while (!await FlushAsync(limit.Token))
            {
                await Task.Delay(LastFlushRetry, time, limit.Token);
            }
        }
        catch (Exception) when (limit.IsCancellationRequested)
        {
        }

        if (outbox.Pending is > 0 and var lost)
        {
            Log.CountsLost(logger, lost);
        }
    }

    public override void Dispose()
    {
        _oneAtATime.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var tidied = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                // A flush is never cancelled: its statements have timeouts, and the last flush waits for it.
                if (!stoppingToken.IsCancellationRequested && database.IsUp && await FlushAsync(CancellationToken.None) && !tidied)
                {
                    await store.DeleteExpiredAsync(CancellationToken.None);
                    tidied = true;
                }
            }
            catch (DatabaseUnavailableException)
            {
            }
            catch (Exception problem)
            {
                Log.FlushBroken(logger, problem);
            }
        }
    }
}

/// <summary>The settings of the route ledger.</summary>
/// <param name="Interval"><c>LEDGER_INTERVAL</c>: time between two flushes, 0.05 to 3600 s, default 1 s.</param>
internal sealed record LedgerOptions(TimeSpan Interval)
{
    public static LedgerOptions Read(SettingsReader settings) => new(settings.Seconds("LEDGER_INTERVAL", 1, 0.05, 3600));
}
