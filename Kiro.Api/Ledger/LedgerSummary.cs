using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

/// <summary>The totals for status pages: however many people watch, the sums are made once in two seconds.</summary>
internal sealed class LedgerSummary(LedgerStore store, DatabaseState database, TimeProvider time)
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<LedgerTotals?>? _read;
    private long _readAt;

    /// <summary>The totals, or null while the database is away.</summary>
    public Task<LedgerTotals?> GetAsync()
    {
        lock (_lock)
        {
            if (_read is null || time.GetElapsedTime(_readAt) > GoodFor)
            {
                _readAt = time.GetTimestamp();
                // On its own, since several requests may wait for it and any of them may be given up.
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
        catch (DatabaseAwayException)
        {
            return null;
        }
    }
}
