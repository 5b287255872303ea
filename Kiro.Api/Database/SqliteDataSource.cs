using System.Data.Common;
using System.Runtime.InteropServices;
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
            if (HasMoved(connection))
            {
                // Kept from before somebody deleted the file or put another one in its place: all of them are.
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

    // SQLite has no asynchronous calls; the provider's are these in disguise.
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(OpenDbConnection());

    /// <summary>Whether the open file is no longer the one of that name (SQLITE_FCNTL_HAS_MOVED).</summary>
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
