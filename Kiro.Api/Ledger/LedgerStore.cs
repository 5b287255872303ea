using System.Data.Common;
using Dapper;
using Kiro.Api.Database;
using Kiro.Api.Nodes;

namespace Kiro.Api.Ledger;

/// <summary>The ledger in the database.</summary>
internal sealed class LedgerStore(SqlDialect dialect, DatabaseAccess database, NodeIdentity node, TimeProvider time)
{
    // Longer than any process waits for the result of a commit.
    private static readonly TimeSpan KeepBatchNumbers = TimeSpan.FromDays(7);

    /// <summary>Writes a batch in one transaction.</summary>
    /// <returns>False if it had already been committed and only the confirmation was lost.</returns>
    public Task<bool> WriteAsync(LedgerBatch batch, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async connection =>
            {
                await using var transaction = await connection.BeginTransactionAsync(
                    System.Data.IsolationLevel.ReadCommitted, cancellationToken);
                if (!await ClaimAsync(connection, transaction, batch.Number))
                {
                    return false;
                }

                await ClientRows.MergeAsync(connection, transaction, dialect, node.Name, batch.Entries, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return true;
            },
            cancellationToken);

    /// <summary>Writes an empty batch, with the same statements and commit as any other.</summary>
    public Task<bool> ProbeAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            async connection =>
            {
                await using var transaction = await connection.BeginTransactionAsync(
                    System.Data.IsolationLevel.ReadCommitted, cancellationToken);
                var mark = new { node.Instance, Now = time.GetUtcNow().ToUnixTimeMilliseconds() };
                await connection.ExecuteAsync(
                    $"{dialect.InsertIfNew} INTO ledger_batches (instance, batch, written_at) VALUES (@Instance, 0, @Now)", mark, transaction);
                await connection.ExecuteAsync("UPDATE ledger_batches SET written_at = @Now WHERE instance = @Instance", mark, transaction);
                await connection.ExecuteAsync(ClientRows.NoRow(dialect), transaction: transaction);
                await transaction.CommitAsync(cancellationToken);
                return true;
            },
            cancellationToken);

    /// <summary>Deletes processes that ended long ago.</summary>
    public Task<int> DeleteExpiredAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            connection => connection.ExecuteAsync(
                "DELETE FROM ledger_batches WHERE written_at < @Limit",
                new { Limit = (time.GetUtcNow() - KeepBatchNumbers).ToUnixTimeMilliseconds() }),
            cancellationToken);

    public Task<LedgerTotals> TotalsAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(ReadTotalsAsync, cancellationToken);

    /// <summary>The totals, and one page of clients, last seen first.</summary>
    public Task<(LedgerTotals Totals, IReadOnlyList<ClientRow> Clients)> ReadAsync(Page page, CancellationToken cancellationToken) =>
        database.ReadAsync<(LedgerTotals, IReadOnlyList<ClientRow>)>(
            async connection =>
            {
                var rows = await connection.QueryAsync<ClientRow>(
                    """
                    SELECT client AS Client, node AS Node, first_seen AS FirstSeen, last_seen AS LastSeen,
                           requests AS Requests, moves AS Moves
                    FROM clients ORDER BY last_seen DESC, client LIMIT @Limit OFFSET @Offset
                    """,
                    page);
                return (await ReadTotalsAsync(connection), rows.AsList());
            },
            cancellationToken);

    private static Task<LedgerTotals> ReadTotalsAsync(DbConnection connection) =>
        connection.QuerySingleAsync<LedgerTotals>(
            """
            SELECT COUNT(*) AS Clients, CAST(COALESCE(SUM(requests), 0) AS SIGNED) AS Requests,
                   CAST(COALESCE(SUM(moves), 0) AS SIGNED) AS Moves
            FROM clients
            """);

    /// <summary>Records the batch number of this process, in the transaction that writes the batch.</summary>
    private async Task<bool> ClaimAsync(DbConnection connection, DbTransaction transaction, long number)
    {
        var mark = new { node.Instance, Number = number, Now = time.GetUtcNow().ToUnixTimeMilliseconds() };
        return await connection.ExecuteAsync(
                "UPDATE ledger_batches SET batch = @Number, written_at = @Now WHERE instance = @Instance AND batch < @Number",
                mark, transaction) > 0
            || await connection.ExecuteAsync(
                $"{dialect.InsertIfNew} INTO ledger_batches (instance, batch, written_at) VALUES (@Instance, @Number, @Now)",
                mark, transaction) > 0;
    }
}

/// <summary>One client in the database. Times are Unix milliseconds.</summary>
internal sealed record ClientRow(string Client, string Node, long FirstSeen, long LastSeen, long Requests, long Moves);

/// <summary>The whole ledger in three numbers.</summary>
internal sealed record LedgerTotals(long Clients, long Requests, long Moves);
