using System.Net;
using Kiro.Api.Ledger;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Api.Ledger;

public sealed class LedgerCountsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Take_AfterCounts_HoldsSumsAndTimes()
    {
        var counts = new LedgerCounts(_time);
        var client = IPAddress.Parse("203.0.113.7");
        var first = _time.GetUtcNow().ToUnixTimeMilliseconds();

        counts.Count(client);
        _time.Advance(TimeSpan.FromSeconds(2));
        counts.Count(IPAddress.Parse("203.0.113.7"));

        Assert.Equal(2, counts.Waiting);
        var (taken, count) = Assert.Single(counts.Take());
        Assert.Equal(client, taken);
        Assert.Equal(new ClientCount(2, first, first + 2000), count);
        Assert.Empty(counts.Take());
        Assert.Equal((0, 2), (counts.Waiting, counts.Total));
    }

    [Fact]
    public async Task Count_WhileBatchesAreTaken_LosesNoneAndDoublesNone()
    {
        const int Threads = 4, Each = 200_000;
        var counts = new LedgerCounts(_time);
        var clients = Enumerable.Range(0, 50).Select(number => new IPAddress([10, 0, 0, (byte)number])).ToArray();
        var taken = new Dictionary<IPAddress, long>();

        var counting = Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var request = 0; request < Each; request++)
            {
                counts.Count(clients[(request + thread) % clients.Length]);
            }
        })));
        var batches = 0;
        do
        {
            Add(counts.Take());
            batches++;
            await Task.Yield();
        }
        while (!counting.IsCompleted);
        await counting;
        Add(counts.Take());

        Assert.True(batches > 10, $"only {batches} batches");
        Assert.Equal(clients.ToDictionary(client => client, _ => (long)Threads * Each / clients.Length), taken);

        void Add(List<KeyValuePair<IPAddress, ClientCount>> batch)
        {
            foreach (var (client, count) in batch)
            {
                taken[client] = taken.GetValueOrDefault(client) + count.Requests;
            }
        }
    }

    [Fact]
    public void Count_KnownClient_AllocatesNothing()
    {
        var counts = new LedgerCounts(TimeProvider.System);
        var client = IPAddress.Parse("203.0.113.7");
        counts.Count(client);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var request = 0; request < 1000; request++)
        {
            counts.Count(client);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
