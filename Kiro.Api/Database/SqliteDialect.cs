using System.Data.Common;
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
