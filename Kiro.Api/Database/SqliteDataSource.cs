using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Kiro.Api.Database;

/// <summary>Connections to the embedded file, each set up for a file with several writers.</summary>
internal sealed class SqliteDataSource(string connectionString) : DbDataSource
{
    // Both hold for a connection, not for the file. In WAL mode, NORMAL can lose the last commits when the machine
    // loses power, never when the process dies, and does not make each second's flush wait for the disk.
    // The provider repeats a try that was still short of its own 5 s, so one try is to wait for much less.
    private const string Setup = "PRAGMA busy_timeout = 500; PRAGMA synchronous = NORMAL;";

    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
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

    // SQLite has no asynchronous calls; the provider's are these in disguise.
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(OpenDbConnection());
}
