namespace Kiro.Api.Ledger;

/// <summary>What is written in one transaction. Its number and contents stay the same however often that is tried.</summary>
/// <param name="Number">Counts up from 1 in each process.</param>
/// <param name="Entries">Sorted by client, so that nodes which write the same clients queue up instead of deadlocking.</param>
internal sealed record LedgerBatch(long Number, IReadOnlyList<LedgerEntry> Entries)
{
    public long Requests { get; } = Entries.Sum(entry => entry.Count.Requests);
}
