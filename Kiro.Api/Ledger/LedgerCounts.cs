using System.Numerics;
using System.Runtime.InteropServices;
using Kiro.Api.Callers;

namespace Kiro.Api.Ledger;

/// <summary>
/// Counts requests in memory. Counting and taking the counts exclude each other per shard for a few nanoseconds, so no
/// request is lost between two batches.
/// </summary>
internal sealed class LedgerCounts(TimeProvider time)
{
    private readonly Shard[] _shards =
        [.. Enumerable.Range(0, (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 4)).Select(_ => new Shard())];

    /// <summary>Requests counted since the start.</summary>
    public long Total => Sum(shard => shard.Total);

    /// <summary>Requests counted but not taken yet.</summary>
    public long Waiting => Sum(shard => shard.Waiting);

    public void Count(Caller client)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var shard = _shards[client.GetHashCode() & (_shards.Length - 1)];
        lock (shard.Lock)
        {
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(shard.Counts, client, out var known);
            count = known
                ? new ClientCount(count.Requests + 1, count.FirstSeen, Math.Max(count.LastSeen, now))
                : new ClientCount(1, now, now);
            shard.Waiting++;
            shard.Total++;
        }
    }

    /// <summary>Takes and resets all counts.</summary>
    public List<KeyValuePair<Caller, ClientCount>> Take()
    {
        var taken = new List<KeyValuePair<Caller, ClientCount>>();
        foreach (var shard in _shards)
        {
            Dictionary<Caller, ClientCount> counts;
            lock (shard.Lock)
            {
                if (shard.Waiting == 0)
                {
                    continue;
                }

                counts = shard.Counts;
                shard.Counts = [];
                shard.Waiting = 0;
            }

            taken.AddRange(counts);
        }

        return taken;
    }

    private long Sum(Func<Shard, long> value)
    {
        var sum = 0L;
        foreach (var shard in _shards)
        {
            lock (shard.Lock)
            {
                sum += value(shard);
            }
        }

        return sum;
    }

    private sealed class Shard
    {
        public Lock Lock { get; } = new();

        public Dictionary<Caller, ClientCount> Counts { get; set; } = [];

        public long Waiting { get; set; }

        public long Total { get; set; }
    }
}

/// <summary>One client's requests since the last flush. Times are Unix milliseconds.</summary>
internal record struct ClientCount(long Requests, long FirstSeen, long LastSeen);
