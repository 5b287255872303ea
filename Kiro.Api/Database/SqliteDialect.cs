using System.Data.Common;
using System.Runtime.InteropServices;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Kiro.Api.Database;

/// <summary>The embedded file.</summary>
internal sealed class SqliteDialect(DatabaseOptions options) : SqlDialect
{
    private readonly string _file = new SqliteConnectionStringBuilder(options.ConnectionString).DataSource;
    private readonly SqliteDataSource _source = new(options.ConnectionString);

    public override string Kind => "sqlite";

    public override string Place => _file;

    public override DbDataSource Source => _source;

    public override string InsertIfNew => "INSERT OR IGNORE";

    public override string MergeClients => """
        ON CONFLICT (client) DO UPDATE SET
          moves = moves + (excluded.last_seen > last_seen AND excluded.node <> node),
          node = CASE WHEN excluded.last_seen > last_seen THEN excluded.node ELSE node END,
          requests = requests + excluded.requests,
          first_seen = MIN(first_seen, excluded.first_seen),
          last_seen = MAX(last_seen, excluded.last_seen)
        """;

    public override async ValueTask ForgetConnectionsAsync()
    {
        await using var connection = new SqliteConnection(options.ConnectionString);
        SqliteConnection.ClearPool(connection);
    }

    public override async Task CreateMissingAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        // Readers and the writer do not block each other. This is persisted in the file.
        await connection.ExecuteAsync("PRAGMA journal_mode = WAL");
    }

    public override async Task ExclusivelyAsync(
        DbConnection connection, Func<DbTransaction?, Task> work, CancellationToken cancellationToken)
    {
        // The provider uses BEGIN IMMEDIATE, which locks out other writers.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await work(transaction);
        await transaction.CommitAsync(cancellationToken);
    }

    // A second writer waits in the busy handler instead.
    public override bool IsDeadlock(DbException problem) => false;

    public override bool IsMissingTable(DbException problem) =>
        problem is SqliteException { SqliteErrorCode: 1 } && problem.Message.Contains("no such table", StringComparison.Ordinal);
}

/// <summary>Connections to the embedded file, configured for several writers.</summary>
internal sealed class SqliteDataSource(string connectionString) : DbDataSource
{
    // Both apply per connection. In WAL mode, NORMAL may lose the last commits if the machine loses power, but not if the
    // process dies, and avoids an fsync for each flush.
    // The provider itself retries for 5 s, so a single attempt should wait much less.
    private const string Setup = "PRAGMA busy_timeout = 500; PRAGMA synchronous = NORMAL;";

    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            if (HasMoved(connection))
            {
                // The file was deleted or replaced, so all pooled connections are stale.
                SqliteConnection.ClearPool(connection);
                connection.Close();
                connection.Open();
            }

            using var setup = connection.CreateCommand();
            setup.CommandText = Setup;
            setup.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // SQLite has no asynchronous API; the provider's methods are synchronous.
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(OpenDbConnection());

    /// <summary>Whether the open file was deleted or replaced (SQLITE_FCNTL_HAS_MOVED).</summary>
    private static bool HasMoved(SqliteConnection connection)
    {
        const int HasMoved = 20;
        var moved = 0;
        return FileControl(connection.Handle!.DangerousGetHandle(), "main", HasMoved, ref moved) == 0 && moved != 0;
    }

    // The provider has no method for it.
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", ExactSpelling = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int FileControl(nint database, string name, int operation, ref int result);
}
