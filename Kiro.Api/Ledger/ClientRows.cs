using System.Data.Common;
using System.Globalization;
using System.Text;
using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

/// <summary>Merges a batch into the clients' rows, with many rows per statement.</summary>
internal static class ClientRows
{
    private const int RowsPerStatement = 200;
    private const string Insert = "INSERT INTO clients (client, node, first_seen, last_seen, requests, moves)";

    /// <remarks>
    /// A client has moved if another node has seen it later than its last one; a late batch from the former node only
    /// adds to the totals.
    /// </remarks>
    public static async Task MergeAsync(
        DbConnection connection, DbTransaction transaction, SqlDialect dialect, string node,
        IReadOnlyList<LedgerEntry> entries, CancellationToken cancellationToken)
    {
        foreach (var rows in entries.Chunk(RowsPerStatement))
        {
            await using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = Statement(rows.Length, dialect);
            Add(command, "@node", node);
            for (var row = 0; row < rows.Length; row++)
            {
                var (client, count) = rows[row];
                Add(command, Name("@c", row), client);
                Add(command, Name("@f", row), count.FirstSeen);
                Add(command, Name("@l", row), count.LastSeen);
                Add(command, Name("@r", row), count.Requests);
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>A statement that changes nothing, but needs the privileges to read, insert and update clients.</summary>
    public static string NoRow(SqlDialect dialect) => $"""
        {Insert}
        SELECT c, n, f, l, r, m
        FROM (SELECT client AS c, node AS n, first_seen AS f, last_seen AS l, requests AS r, moves AS m FROM clients) AS nobody
        WHERE 1 = 0
        {dialect.MergeClients}
        """;

    private static string Statement(int rows, SqlDialect dialect)
    {
        var sql = new StringBuilder(Insert).Append(" VALUES");
        for (var row = 0; row < rows; row++)
        {
            sql.Append(CultureInfo.InvariantCulture, $"{(row == 0 ? '\n' : ',')}(@c{row}, @node, @f{row}, @l{row}, @r{row}, 0)");
        }

        return sql.Append('\n').Append(dialect.MergeClients).ToString();
    }

    private static string Name(string prefix, int row) => prefix + row.ToString(CultureInfo.InvariantCulture);

    private static void Add(DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value;
        command.Parameters.Add(parameter);
    }
}
