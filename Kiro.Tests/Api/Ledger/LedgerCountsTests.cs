using System.Net;
using Kiro.Api.Callers;
using Kiro.Api.Ledger;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Api.Ledger;

public sealed class LedgerCountsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Take_AfterCounting_HasSumsAndTimes()
    {
        var counts = new LedgerCounts(_time);
        var client = new Caller(IPAddress.Parse("203.0.113.7"), null);
        var first = _time.GetUtcNow().ToUnixTimeMilliseconds();

        counts.Count(client);
        _time.Advance(TimeSpan.FromSeconds(2));
        counts.Count(new Caller(IPAddress.Parse("203.0.113.7"), null));

        Assert.Equal(2, counts.Waiting);
        var (taken, count) = Assert.Single(counts.Take());
        Assert.Equal(client, taken);
        Assert.Equal(new ClientCount(2, first, first + 2000), count);
        Assert.Empty(counts.Take());
        Assert.Equal((0, 2), (counts.Waiting, counts.Total));
    }

    [Fact]
    public async Task Count_WhileBatchesAreTaken_CountsEachRequestOnce()
    {
        const int Threads = 4, Each = 200_000;
        var counts = new LedgerCounts(_time);
        var clients = Enumerable.Range(0, 50).Select(number => new Caller(new IPAddress([10, 0, 0, (byte)number]), null)).ToArray();
        var taken = new Dictionary<Caller, long>();

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

        void Add(List<KeyValuePair<Caller, ClientCount>> batch)
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
        var client = new Caller(IPAddress.Parse("203.0.113.7"), null);
        counts.Count(client);

        Assert.Equal(0, Allocated.By(_ => counts.Count(client)));
    }
}
