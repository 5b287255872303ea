using System.Data.Common;
using System.Globalization;
using Dapper;
using Kiro.ServiceDefaults.Settings;
using MySqlConnector;

namespace Kiro.Api.Database;

/// <summary>MySQL and MariaDB.</summary>
internal sealed class MySqlDialect(DatabaseOptions options, ILoggerFactory loggers) : SqlDialect
{
    private const string SchemaLock = "kiro_schema";

    private volatile MySqlDataSource _source = NewSource(options, loggers);

    public override string Kind => "mysql";

    public override string Place { get; } = PlaceOf(new MySqlConnectionStringBuilder(options.ConnectionString));

    public override DbDataSource Source => _source;

    public override string InsertIfNew => "INSERT IGNORE";

    // Assignments are evaluated from left to right, so those that use the old last_seen and node come first.
    public override string MergeClients => """
        ON DUPLICATE KEY UPDATE
          moves = moves + IF(VALUES(last_seen) > last_seen AND VALUES(node) <> node, 1, 0),
          node = IF(VALUES(last_seen) > last_seen, VALUES(node), node),
          requests = requests + VALUES(requests),
          first_seen = LEAST(first_seen, VALUES(first_seen)),
          last_seen = GREATEST(last_seen, VALUES(last_seen))
        """;

    public override ValueTask ForgetConnectionsAsync() =>
        Interlocked.Exchange(ref _source, NewSource(options, loggers)).DisposeAsync();

    public override async Task CreateMissingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        }
        catch (MySqlException problem) when (problem.ErrorCode == MySqlErrorCode.UnknownDatabase)
        {
            await CreateDatabaseAsync(cancellationToken);
        }
    }

    public override async Task ExclusivelyAsync(
        DbConnection connection, Func<DbTransaction?, Task> work, CancellationToken cancellationToken)
    {
        if (await connection.ExecuteScalarAsync<int?>("SELECT GET_LOCK(@SchemaLock, 5)", new { SchemaLock }) != 1)
        {
            throw new TimeoutException("Another node is changing the schema.");
        }

        try
        {
            // DDL commits implicitly, so the scripts are repeatable.
            await work(null);
        }
        finally
        {
            await connection.ExecuteAsync("DO RELEASE_LOCK(@SchemaLock)", new { SchemaLock });
        }
    }

    public override bool IsDeadlock(DbException problem) =>
        problem is MySqlException { ErrorCode: MySqlErrorCode.LockDeadlock or MySqlErrorCode.LockWaitTimeout };

    public override bool IsMissingTable(DbException problem) =>
        problem is MySqlException { ErrorCode: MySqlErrorCode.NoSuchTable };

    private static MySqlDataSource NewSource(DatabaseOptions options, ILoggerFactory loggers) =>
        new MySqlDataSourceBuilder(options.ConnectionString).UseLoggerFactory(loggers).UseName("kiro").Build();

    private static string PlaceOf(MySqlConnectionStringBuilder server) =>
        string.Create(CultureInfo.InvariantCulture, $"MySQL at {server.Server}:{server.Port}");

    private async Task CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        var server = new MySqlConnectionStringBuilder(options.ConnectionString) { Pooling = false };
        var name = server.Database.Replace("`", "``", StringComparison.Ordinal);
        server.Database = "";
        await using var connection = new MySqlConnection(server.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await connection.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4");
    }
}

/// <summary>Parses the user's connection string.</summary>
internal static class MySqlText
{
    private const string Expected = "a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=…";

    public static DatabaseOptions Read(SettingsReader settings, string text, string database)
    {
        var server = Parse(text);
        if (server is null || string.IsNullOrWhiteSpace(server.Server))
        {
            settings.RejectSecret("ConnectionStrings__kiro", Expected);
            server = new MySqlConnectionStringBuilder();
        }

        if (string.IsNullOrEmpty(server.Database))
        {
            server.Database = database;
        }

        return DatabaseOptions.MySql(server);
    }

    private static MySqlConnectionStringBuilder? Parse(string text)
    {
        try
        {
            return new MySqlConnectionStringBuilder(text);
        }
        catch (Exception problem) when (problem is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            return null;
        }
    }
}
