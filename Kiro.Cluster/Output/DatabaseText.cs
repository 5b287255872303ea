using Kiro.Api.Database;
using Microsoft.Data.Sqlite;
using MySqlConnector;

namespace Kiro.Cluster.Output;

/// <summary>Which database the instances use, in words that hold no secret.</summary>
internal static class DatabaseText
{
    public static string Of(DatabaseOptions database)
    {
        if (database.Kind == DatabaseKind.Sqlite)
        {
            return $"embedded SQLite file {new SqliteConnectionStringBuilder(database.ConnectionString).DataSource}";
        }

        var server = new MySqlConnectionStringBuilder(database.ConnectionString);
        return $"MySQL at {server.Server}:{server.Port}/{server.Database}";
    }
}
