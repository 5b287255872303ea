using Kiro.Api.Database;
using Kiro.Api.Logging;

namespace Kiro.Api.Ledger;

/// <summary>Writes the counts to the database, again and again, and once more after the last request.</summary>
internal sealed class LedgerFlush(
    LedgerOutbox outbox, LedgerStore store, DatabaseState database, LedgerOptions options, ApiMetrics metrics,
    TimeProvider time, ILogger<LedgerFlush> logger) : BackgroundService
{
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastFlushRetry = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>Writes all that there is to write; false when the database did not take it all.</summary>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
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
            }

            return true;
        }
        catch (DatabaseAwayException)
        {
            metrics.FlushFailed();
            return false;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>The host calls it after Kestrel has stopped: nothing is counted any more.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // The host's time may be used up by slow requests; the counts get a time of their own.
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
                // A flush is never cancelled: its statements have time limits, and the last flush waits for it.
                if (!stoppingToken.IsCancellationRequested && database.IsUp && await FlushAsync(CancellationToken.None) && !tidied)
                {
                    await store.TidyAsync(CancellationToken.None);
                    tidied = true;
                }
            }
            catch (DatabaseAwayException)
            {
            }
            catch (Exception problem)
            {
                Log.FlushBroken(logger, problem);
            }
        }
    }
}
