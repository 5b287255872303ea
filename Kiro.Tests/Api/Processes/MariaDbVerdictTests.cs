using System.Globalization;
using Kiro.Tests.Support;
using MySqlConnector;

namespace Kiro.Tests.Api.Processes;

/// <summary>The database server fails at run time: health is judged by writes, since they are what the database is needed for.</summary>
[Collection(SharesMariaDb.Name)]
public sealed class MariaDbVerdictTests(MariaDb server)
{
    private readonly string _database = MariaDb.NewDatabase();

    private string User => "u" + _database[5..20];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_ServerIsReadOnly_IsDegradedUntilAWriteSucceeds()
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync("SET GLOBAL read_only = 1");
        try
        {
            await verdicts.StaysDownAsync("--read-only");
        }
        finally
        {
            await server.ExecuteAsync("SET GLOBAL read_only = 0");
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
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync($"RENAME TABLE {_database}.{table} TO {_database}.away");

        await verdicts.StaysDownAsync("doesn't exist");

        await server.ExecuteAsync($"RENAME TABLE {_database}.away TO {_database}.{table}");
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Theory]
    [InlineData("INSERT")]
    [InlineData("UPDATE")]
    [InlineData("SELECT")]
    public async Task Health_PrivilegeIsRevoked_IsDegradedUntilItIsGranted(string privilege)
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync($"REVOKE {privilege} ON {_database}.* FROM '{User}'@'127.0.0.1'");
        // A connection keeps the privileges that it was opened with.
        await KillConnectionsAsync();
        await verdicts.StaysDownAsync($"{privilege} command denied");

        await server.ExecuteAsync($"GRANT {privilege} ON {_database}.* TO '{User}'@'127.0.0.1'");
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_TableIsLocked_IsDegradedUntilItIsReleased()
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await using (var other = new MySqlConnection(server.ConnectionString(_database)))
        {
            await other.OpenAsync(Cancellation);
            await using var command = new MySqlCommand("LOCK TABLES clients WRITE", other);
            await command.ExecuteNonQueryAsync(Cancellation);
            await verdicts.StaysDownAsync("", seconds: 12);
        }

        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_ConnectionLimitIsReached_IsDegradedUntilOneIsFree()
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync($"ALTER USER '{User}'@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1");
        await using (var other = new MySqlConnection(new MySqlConnectionStringBuilder(server.ConnectionString(_database)) { UserID = User }.ConnectionString))
        {
            await KillConnectionsAsync();
            await Eventually.BeTrue(
                async () =>
                {
                    await KillConnectionsAsync();
                    await other.OpenAsync(Cancellation);
                    return true;
                },
                "the test has the only connection");
            await verdicts.StaysDownAsync("max_user_connections");
        }

        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_PasswordIsChanged_IsDegradedUntilItMatchesAgain()
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync($"ALTER USER '{User}'@'127.0.0.1' IDENTIFIED BY 'another'");
        await KillConnectionsAsync();

        await verdicts.StaysDownAsync("Access denied");

        await server.ExecuteAsync($"ALTER USER '{User}'@'127.0.0.1' IDENTIFIED BY '{Quoted}'");
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_DatabaseIsDropped_IsRecreated()
    {
        await using var node = await StartAsync();
        await server.ExecuteAsync($"DROP DATABASE {_database}");

        await Eventually.BeTrue(
            async () => await node.RequestAsAsync("203.0.113.9") && (await node.JsonAsync("/api/clients")).TryGetProperty("clients", out var clients)
                && clients.EnumerateArray().Any(client => client.GetProperty("client").GetString() == "203.0.113.*"),
            "the ledger is written again");
        await node.HealthAsync("ok");
    }

    [Fact]
    public async Task Health_DiskOfTheServerIsFull_IsDegradedUntilAWriteSucceeds()
    {
        using var disk = SmallDisk.Mount(megabytes: 300);
        await using var own = new MariaDb(Path.Combine(disk.Folder, "server"));
        await using var node = await StartAsync(own);
        var verdicts = new Verdicts(node);
        disk.Fill();

        await verdicts.StaysDownAsync("");

        disk.Free();
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    private static string Quoted => MariaDb.Password.Replace("'", "''", StringComparison.Ordinal);

    /// <summary>Kills the user's connections, if any.</summary>
    private async Task KillConnectionsAsync() => await server.ExecuteAsync($"KILL CONNECTION USER '{User}'@'127.0.0.1'");

    private Task<ApiNode> StartAsync() => StartAsync(server);

    private async Task<ApiNode> StartAsync(MariaDb database)
    {
        await database.ReadyAsync();
        // A user without administrative privileges.
        await database.ExecuteAsync($"CREATE DATABASE {_database} CHARACTER SET utf8mb4");
        await database.ExecuteAsync($"CREATE USER '{User}'@'127.0.0.1' IDENTIFIED BY '{Quoted}'");
        await database.ExecuteAsync($"GRANT ALL ON {_database}.* TO '{User}'@'127.0.0.1'");
        var node = new ApiNode(
            ("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", database.Port.ToString(CultureInfo.InvariantCulture)), ("MYSQL_USER", User),
            ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", _database));
        await node.HealthAsync("ok");
        return node;
    }
}
