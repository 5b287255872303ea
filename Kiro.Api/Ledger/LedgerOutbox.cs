namespace Kiro.Api.Ledger;

/// <summary>Batches that have not been confirmed, oldest first. Only the flush takes from it.</summary>
internal sealed class LedgerOutbox(LedgerCounts counts)
{
    /// <summary>After a long outage there is much to write: no transaction may hold the others up for long.</summary>
    public const int MaxBatch = 5000;

    private readonly Queue<LedgerBatch> _batches = new();
    private long _lastNumber;
    private long _unconfirmed;

    /// <summary>Requests counted and not known to be written.</summary>
    public long Pending => counts.Waiting + Interlocked.Read(ref _unconfirmed);

    /// <summary>The batch to write now, the same one until it is confirmed; null when there is nothing to write.</summary>
    public LedgerBatch? Next()
    {
        if (_batches.Count == 0)
        {
            Collect();
        }

        return _batches.TryPeek(out var batch) ? batch : null;
    }

    /// <summary>The batch from <see cref="Next"/> is in the database.</summary>
    public void Confirm() => Interlocked.Add(ref _unconfirmed, -_batches.Dequeue().Requests);

    private void Collect()
    {
        var entries = counts.Take().Select(taken => new LedgerEntry(taken.Key.ToString(), taken.Value)).ToList();
        entries.Sort((left, right) => string.CompareOrdinal(left.Client, right.Client));
        foreach (var part in entries.Chunk(MaxBatch))
        {
            var batch = new LedgerBatch(++_lastNumber, part);
            _batches.Enqueue(batch);
            Interlocked.Add(ref _unconfirmed, batch.Requests);
        }
    }
}

/// <summary>What is written in one transaction. Its number and contents stay the same however often that is tried.</summary>
/// <param name="Number">Counts up from 1 in each process.</param>
/// <param name="Entries">Sorted by client, so that nodes which write the same clients queue up instead of deadlocking.</param>
internal sealed record LedgerBatch(long Number, IReadOnlyList<LedgerEntry> Entries)
{
    public long Requests { get; } = Entries.Sum(entry => entry.Count.Requests);
}

/// <summary>One client in a batch.</summary>
internal sealed record LedgerEntry(string Client, ClientCount Count);
