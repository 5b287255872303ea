using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;
using MySqlConnector;

namespace Kiro.Tests.Support;

/// <summary>Reads the route ledger straight from the database.</summary>
internal static class Ledger
{
    /// <summary>The requests counted for all clients together.</summary>
    public static Task<long> SumAsync(IReadOnlyDictionary<string, string> database) =>
        NumberAsync(database, "SELECT COALESCE(SUM(requests), 0) FROM clients");

    /// <summary>The number of nodes registered in the database.</summary>
    public static Task<long> NodesAsync(IReadOnlyDictionary<string, string> database) =>
        NumberAsync(database, "SELECT COUNT(*) FROM nodes");

    private static async Task<long> NumberAsync(IReadOnlyDictionary<string, string> database, string sql)
    {
        await using System.Data.Common.DbConnection connection = database.TryGetValue("SQLITE_FILE", out var file)
            ? new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ConnectionString)
            : new MySqlConnection(new MySqlConnectionStringBuilder
            {
                Server = database["MYSQL_HOST"],
                Port = uint.Parse(database["MYSQL_PORT"], CultureInfo.InvariantCulture),
                UserID = database["MYSQL_USER"],
                Password = database["MYSQL_PASSWORD"],
                Database = database["MYSQL_DATABASE"],
                Pooling = false,
            }.ConnectionString);
        return await connection.ExecuteScalarAsync<long>(sql);
    }
}
