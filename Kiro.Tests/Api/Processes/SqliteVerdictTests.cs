using Kiro.Tests.Support;
using Microsoft.Data.Sqlite;

namespace Kiro.Tests.Api.Processes;

/// <summary>The SQLite file fails at run time: health is judged by writes, since they are what the database is needed for.</summary>
public sealed class SqliteVerdictTests
{
    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_DiskIsFull_IsDegradedUntilAWriteSucceeds()
    {
        using var disk = SmallDisk.Mount(megabytes: 2);
        await using var node = await StartAsync(Path.Combine(disk.Folder, "kiro.db"));
        var verdicts = new Verdicts(node);
        disk.Fill();

        await verdicts.StaysDownAsync("full");

        disk.Free();
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_DatabaseIsLocked_IsDegradedUntilItIsReleased()
    {
        await using var node = await StartAsync(_file);
        var verdicts = new Verdicts(node);
        await using var other = await OpenAsync();
        await using (await other.BeginTransactionAsync(Cancellation))
        {
            await verdicts.StaysDownAsync("database is locked");
        }

        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Theory]
    [InlineData("clients")]
    [InlineData("ledger_batches")]
    [InlineData("nodes")]
    public async Task Health_TableIsMissing_IsDegradedUntilItIsBack(string table)
    {
        await using var node = await StartAsync(_file);
        var verdicts = new Verdicts(node);
        await ExecuteAsync($"ALTER TABLE {table} RENAME TO away");

        await verdicts.StaysDownAsync("no such table");

        await ExecuteAsync($"ALTER TABLE away RENAME TO {table}");
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_FileIsDeleted_AllNodesSwitchToANewOne()
    {
        await using var first = await StartAsync(_file, "api-1");
        await using var second = await StartAsync(_file, "api-2");
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            File.Delete(_file + suffix);
        }

        // A node that kept using the deleted file would never see the other one.
        foreach (var node in (ApiNode[])[first, second])
        {
            await Eventually.BeTrue(
                async () => (await node.JsonAsync("/api/nodes")).GetProperty("nodes").EnumerateArray().Count(other => other.GetProperty("state").GetString() == "up") == 2
                    && File.Exists(_file) && await QueryAsync("SELECT COUNT(*) FROM nodes") == 2,
                $"both nodes are in the new file; output: {node.Process.Output}");
            await node.HealthAsync("ok");
        }

        Assert.True(await first.RequestAsAsync("203.0.113.7"));
        await Eventually.BeTrue(
            async () => await QueryAsync("SELECT COUNT(*) FROM clients WHERE client = '203.0.113.7'") == 1, "the new file has the ledger");
    }

    [Fact]
    public async Task Health_FileIsOverwritten_IsDegradedWithTheReason()
    {
        await using var node = await StartAsync(_file);
        foreach (var suffix in (string[])["-wal", "-shm"])
        {
            File.Delete(_file + suffix);
        }

        // Another file of the same name that is not a database.
        File.Delete(_file);
        await File.WriteAllTextAsync(_file, new string('x', 10_000), Cancellation);

        await new Verdicts(node).StaysDownAsync("file is not a database");
    }

    private static async Task<ApiNode> StartAsync(string file, string name = "api-1")
    {
        var node = new ApiNode(("SQLITE_FILE", file), ("NODE_NAME", name));
        await node.HealthAsync("ok");
        return node;
    }

    private async Task<SqliteConnection> OpenAsync()
    {
        var connection = new SqliteConnection($"Data Source={_file};Pooling=False;Default Timeout=30");
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<long> QueryAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
