using System.Globalization;
using Kiro.Tests.Support;
using MySqlConnector;

namespace Kiro.Tests.Api.Processes;

/// <summary>A server in trouble under way: the verdict comes from writes, for these are what it is needed for.</summary>
[Collection(SharesMariaDb.Name)]
public sealed class MariaDbVerdictTests(MariaDb server)
{
    private readonly string _database = MariaDb.NewDatabase();

    private string User => "u" + _database[5..20];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_ServerIsReadOnly_IsDownUntilItTakesWrites()
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
    public async Task Health_TableIsGone_IsDownUntilItIsBack(string table)
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
    public async Task Health_RightIsTakenAway_IsDownUntilItIsGivenBack(string right)
    {
        await using var node = await StartAsync();
        var verdicts = new Verdicts(node);
        await server.ExecuteAsync($"REVOKE {right} ON {_database}.* FROM '{User}'@'127.0.0.1'");
        // A connection keeps the rights that it began with.
        await KillConnectionsAsync();
        await verdicts.StaysDownAsync($"{right} command denied");

        await server.ExecuteAsync($"GRANT {right} ON {_database}.* TO '{User}'@'127.0.0.1'");
        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_TableIsLocked_IsDownUntilTheLockIsGone()
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
    public async Task Health_ServerHasNoConnectionLeft_IsDownUntilItHas()
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
                "the last connection is ours");
            await verdicts.StaysDownAsync("max_user_connections");
        }

        await verdicts.RecoversAsync();
        await verdicts.AllAreCountedAsync();
    }

    [Fact]
    public async Task Health_PasswordIsChanged_IsDownUntilItFitsAgain()
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
    public async Task Health_DatabaseIsDropped_IsMadeAnew()
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
    public async Task Health_DiskOfTheServerIsFull_IsDownUntilAWriteWorks()
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

    /// <summary>Ends the user's connections, as far as there are any.</summary>
    private async Task KillConnectionsAsync() => await server.ExecuteAsync($"KILL CONNECTION USER '{User}'@'127.0.0.1'");

    private Task<ApiNode> StartAsync() => StartAsync(server);

    private async Task<ApiNode> StartAsync(MariaDb on)
    {
        await on.ReadyAsync();
        // What a user may do who is no administrator.
        await on.ExecuteAsync($"CREATE DATABASE {_database} CHARACTER SET utf8mb4");
        await on.ExecuteAsync($"CREATE USER '{User}'@'127.0.0.1' IDENTIFIED BY '{Quoted}'");
        await on.ExecuteAsync($"GRANT ALL ON {_database}.* TO '{User}'@'127.0.0.1'");
        var node = new ApiNode(
            ("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", on.Port.ToString(CultureInfo.InvariantCulture)), ("MYSQL_USER", User),
            ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", _database));
        await node.HealthAsync("ok");
        return node;
    }
}
