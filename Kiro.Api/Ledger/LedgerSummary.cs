using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

/// <summary>The totals for status pages, computed at most once every two seconds for any number of viewers.</summary>
internal sealed class LedgerSummary(LedgerStore store, DatabaseState database, TimeProvider time)
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<LedgerTotals?>? _read;
    private long _readAt;

    /// <summary>The totals, or null while the database is unavailable or too slow.</summary>
    public async Task<LedgerTotals?> GetAsync()
    {
        try
        {
            return await Shared().WaitAsync(Timeout, time);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private Task<LedgerTotals?> Shared()
    {
        lock (_lock)
        {
            // One query at a time, even if the database is slow.
            if (_read is null || (_read.IsCompleted && time.GetElapsedTime(_readAt) > GoodFor))
            {
                _readAt = time.GetTimestamp();
                // Independent of the requests that wait for it, since any of them may be aborted.
                _read = Task.Run(ReadAsync);
            }

            return _read;
        }
    }

    private async Task<LedgerTotals?> ReadAsync()
    {
        try
        {
            return database.IsUp ? await store.TotalsAsync(CancellationToken.None) : null;
        }
        catch (DatabaseUnavailableException)
        {
            return null;
        }
    }
}
