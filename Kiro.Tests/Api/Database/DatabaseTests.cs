using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using MySqlConnector;

namespace Kiro.Tests.Api.Database;

/// <summary>The tests that both databases must pass.</summary>
public abstract class DatabaseTests : IAsyncLifetime
{
    private readonly List<TestNode> _nodes = [];
    private DatabaseOptions _options = null!;

    protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _options = await CreateAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task RunAsync_ManyNodesAtOnceOnAnEmptyDatabase_AllSucceed()
    {
        var nodes = Enumerable.Range(1, 8).Select(number => Node($"api-{number}")).ToList();

        await Task.WhenAll(nodes.Select(node => Task.Run(() => node.Schema.RunAsync(Cancellation))));
        await Task.WhenAll(nodes.Select(node => node.Nodes.HeartbeatAsync(Cancellation)));

        Assert.Equal(8, (await nodes[0].Nodes.HeartbeatAsync(Cancellation)).Count);
    }

    [Fact]
    public async Task WriteAsync_SameBatchTwice_CountsOnce()
    {
        var node = await ReadyAsync("api-1");

        Assert.True(await node.Ledger.WriteAsync(Batch(1, Entry("10.0.0.1", 5)), Cancellation));
        Assert.False(await node.Ledger.WriteAsync(Batch(1, Entry("10.0.0.1", 5)), Cancellation));
        Assert.True(await node.Ledger.WriteAsync(Batch(2, Entry("10.0.0.1", 2)), Cancellation));
        Assert.False(await node.Ledger.WriteAsync(Batch(2, Entry("10.0.0.1", 2)), Cancellation));

        Assert.Equal(new LedgerTotals(1, 7, 0), await node.Ledger.TotalsAsync(Cancellation));
    }

    [Fact]
    public async Task WriteAsync_ClientSeenLaterOnAnotherNode_CountsAMove()
    {
        var (first, second) = (await ReadyAsync("api-1"), await ReadyAsync("api-2"));

        await first.Ledger.WriteAsync(Batch(1, new LedgerEntry("10.0.0.1", new ClientCount(1, 1000, 2000))), Cancellation);
        await second.Ledger.WriteAsync(Batch(1, new LedgerEntry("10.0.0.1", new ClientCount(2, 3000, 4000))), Cancellation);

        Assert.Equal(new ClientRow("10.0.0.1", "api-2", 1000, 4000, 3, 1), await RowAsync(first));
    }

    [Fact]
    public async Task WriteAsync_LateBatchOfThePreviousNode_CountsNoMove()
    {
        var (first, second) = (await ReadyAsync("api-1"), await ReadyAsync("api-2"));

        await second.Ledger.WriteAsync(Batch(1, new LedgerEntry("10.0.0.1", new ClientCount(2, 3000, 4000))), Cancellation);
        await first.Ledger.WriteAsync(Batch(1, new LedgerEntry("10.0.0.1", new ClientCount(1, 1000, 2000))), Cancellation);

        Assert.Equal(new ClientRow("10.0.0.1", "api-2", 1000, 4000, 3, 0), await RowAsync(first));
    }

    [Fact]
    public async Task WriteAsync_SameNodeAgain_CountsNoMove()
    {
        var node = await ReadyAsync("api-1");

        await node.Ledger.WriteAsync(Batch(1, new LedgerEntry("2001:db8::1", new ClientCount(1, 1000, 2000))), Cancellation);
        await node.Ledger.WriteAsync(Batch(2, new LedgerEntry("2001:db8::1", new ClientCount(1, 3000, 3000))), Cancellation);

        Assert.Equal(new ClientRow("2001:db8::1", "api-1", 1000, 3000, 2, 0), await RowAsync(node));
    }

    [Fact]
    public async Task WriteAsync_ManyNodesWriteTheSameClients_EveryRequestIsCounted()
    {
        const int Clients = 450, Batches = 10;
        var nodes = new List<TestNode>();
        for (var number = 1; number <= 5; number++)
        {
            nodes.Add(await ReadyAsync($"api-{number}"));
        }

        await Task.WhenAll(nodes.Select(node => Task.Run(async () =>
        {
            for (var number = 1; number <= Batches; number++)
            {
                var entries = Enumerable.Range(0, Clients).Select(client => Entry($"10.0.{client / 250}.{client % 250}", 1))
                    .OrderBy(entry => entry.Client, StringComparer.Ordinal);
                Assert.True(await node.Ledger.WriteAsync(Batch(number, [.. entries]), Cancellation));
            }
        })));

        var totals = await nodes[0].Ledger.TotalsAsync(Cancellation);
        Assert.Equal((Clients, nodes.Count * Batches * Clients), (totals.Clients, totals.Requests));
    }

    [Fact]
    public async Task ReadAsync_Page_IsOrderedByLastSeen()
    {
        var node = await ReadyAsync("api-1");
        await node.Ledger.WriteAsync(
            Batch(1, [.. Enumerable.Range(1, 5).Select(number => new LedgerEntry($"10.0.0.{number}", new ClientCount(1, 1, number)))]),
            Cancellation);

        var (totals, clients) = await node.Ledger.ReadAsync(new Page(2, 1), Cancellation);

        Assert.Equal(5, totals.Clients);
        Assert.Equal(["10.0.0.4", "10.0.0.3"], clients.Select(client => client.Client));
    }

    [Fact]
    public async Task TidyAsync_OldProcess_IsDeletedAndItsClientsAreNot()
    {
        var (old, node) = (await ReadyAsync("api-1"), await ReadyAsync("api-2"));
        await old.Ledger.WriteAsync(Batch(1, Entry("10.0.0.1", 1)), Cancellation);
        Time.Advance(TimeSpan.FromDays(8));
        await node.Ledger.WriteAsync(Batch(1, Entry("10.0.0.1", 1)), Cancellation);

        Assert.Equal(1, await node.Ledger.DeleteExpiredAsync(Cancellation));
        Assert.Equal(2, (await node.Ledger.TotalsAsync(Cancellation)).Requests);
    }

    [Fact]
    public async Task HeartbeatAsync_SilentNode_IsGoneThenDeleted()
    {
        var (silent, node) = (await ReadyAsync("api-1"), await ReadyAsync("api-2"));
        await silent.Nodes.HeartbeatAsync(Cancellation);
        Assert.Equal(["api-1 up", "api-2 up"], await StatesAsync(node));

        Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(["api-1 up", "api-2 up"], await StatesAsync(node));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["api-1 gone", "api-2 up"], await StatesAsync(node));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["api-2 up"], await StatesAsync(node));
    }

    [Fact]
    public async Task StopAsync_Node_IsStoppedUntilItsNextHeartbeat()
    {
        var (stopping, node) = (await ReadyAsync("api-1"), await ReadyAsync("api-2"));
        await stopping.Nodes.HeartbeatAsync(Cancellation);

        await stopping.Nodes.StopAsync(Cancellation);
        Assert.Equal(["api-1 stopped", "api-2 up"], await StatesAsync(node));

        var next = await ReadyAsync("api-1");
        await next.Nodes.HeartbeatAsync(Cancellation);
        // The stop of the old process arrives late: its successor stays up.
        await stopping.Nodes.StopAsync(Cancellation);
        Assert.Equal(["api-1 up", "api-2 up"], await StatesAsync(node));
    }

    private protected abstract Task<DatabaseOptions> CreateAsync();

    private static LedgerEntry Entry(string client, long requests) => new(client, new ClientCount(requests, 1000, 2000));

    private static LedgerBatch Batch(long number, params LedgerEntry[] entries) => new(number, entries);

    private static async Task<ClientRow> RowAsync(TestNode node) =>
        Assert.Single((await node.Ledger.ReadAsync(new Page(10, 0), Cancellation)).Clients);

    private static async Task<IEnumerable<string>> StatesAsync(TestNode node) =>
        (await node.Nodes.HeartbeatAsync(Cancellation)).Select(response => $"{response.Name} {response.State}");

    private TestNode Node(string name)
    {
        var node = new TestNode(_options, name, Time);
        _nodes.Add(node);
        return node;
    }

    private async Task<TestNode> ReadyAsync(string name)
    {
        var node = Node(name);
        await node.Schema.RunAsync(Cancellation);
        return node;
    }
}

public sealed class SqliteDatabaseTests : DatabaseTests
{
    // Neither the file nor its folder exists yet.
    private protected override Task<DatabaseOptions> CreateAsync() => Task.FromResult(DatabaseOptions.Sqlite(
        Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "a folder", "kiro.db")));
}

[Collection(SharesMariaDb.Name)]
public sealed class MariaDbDatabaseTests(MariaDb server) : DatabaseTests
{
    private protected override async Task<DatabaseOptions> CreateAsync()
    {
        await server.ReadyAsync();
        return DatabaseOptions.MySql(new MySqlConnectionStringBuilder(server.ConnectionString(MariaDb.NewDatabase())) { Pooling = true });
    }
}
