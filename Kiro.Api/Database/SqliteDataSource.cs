using System.Data.Common;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace Kiro.Api.Database;

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
