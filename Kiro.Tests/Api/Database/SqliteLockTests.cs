using System.Diagnostics;
using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Microsoft.Data.Sqlite;

namespace Kiro.Tests.Api.Database;

public sealed class SqliteLockTests
{
    [Fact]
    public async Task WriteAsync_DatabaseIsLocked_TimesOutAndCanBeRetried()
    {
        var options = DatabaseOptions.Sqlite(Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db"));
        await using var node = new TestNode(options, "api-1", TimeProvider.System);
        await node.Schema.RunAsync(TestContext.Current.CancellationToken);
        var batch = new LedgerBatch(1, [new LedgerEntry("10.0.0.1", new ClientCount(1, 1, 1))]);
        await using var other = new SqliteConnection(options.ConnectionString);
        await other.OpenAsync(TestContext.Current.CancellationToken);

        await using (await other.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            var clock = Stopwatch.StartNew();
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => node.Ledger.WriteAsync(batch, TestContext.Current.CancellationToken));
            // The timeout is 5 s; the provider's default of 30 s would outlast the final flush.
            Assert.InRange(clock.Elapsed.TotalSeconds, 2, 29);
            Assert.Contains("database is locked", node.State.Current.Reason, StringComparison.Ordinal);
            // Reads still work.
            Assert.Equal(0, (await node.Ledger.TotalsAsync(TestContext.Current.CancellationToken)).Requests);
        }

        Assert.True(await node.Ledger.WriteAsync(batch, TestContext.Current.CancellationToken));
        Assert.Equal(1, (await node.Ledger.TotalsAsync(TestContext.Current.CancellationToken)).Requests);
    }
}
