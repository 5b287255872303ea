namespace Kiro.Api.Ledger;

/// <summary>Unconfirmed batches, oldest first. Only used by the flush.</summary>
internal sealed class LedgerOutbox(LedgerCounts counts)
{
    /// <summary>Limits transactions after a long outage, so that they do not block others for long.</summary>
    public const int MaxBatch = 5000;

    private readonly Queue<LedgerBatch> _batches = new();
    private long _lastNumber;
    private long _unconfirmed;

    /// <summary>Requests counted but not confirmed as written.</summary>
    public long Pending => counts.Waiting + Interlocked.Read(ref _unconfirmed);

    /// <summary>The batch to write next, the same one until it is confirmed; null if there is nothing to write.</summary>
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

/// <summary>A unit that is written in one transaction. Its number and content do not change across retries.</summary>
/// <param name="Number">Counts from 1 in each process.</param>
/// <param name="Entries">Sorted by client, so that nodes writing the same clients queue instead of deadlocking.</param>
internal sealed record LedgerBatch(long Number, IReadOnlyList<LedgerEntry> Entries)
{
    public long Requests { get; } = Entries.Sum(entry => entry.Count.Requests);
}

/// <summary>One client in a batch.</summary>
internal sealed record LedgerEntry(string Client, ClientCount Count);
