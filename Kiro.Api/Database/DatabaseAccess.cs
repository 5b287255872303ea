using System.Data.Common;

namespace Kiro.Api.Database;

/// <summary>The way to the database: opens a connection, repeats what lost a deadlock, reports how it went.</summary>
internal sealed class DatabaseAccess(SqlDialect dialect, DatabaseState state)
{
    private const int Tries = 5;

    /// <exception cref="DatabaseAwayException">The database did not do it; whether a commit arrived may be unknown.</exception>
    public async Task<T> RunAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await dialect.Source.OpenConnectionAsync(cancellationToken);
                var result = await work(connection);
                state.ReportUp();
                return result;
            }
            catch (DbException problem) when (dialect.IsDeadlock(problem) && attempt < Tries)
            {
                // The transactions that met here must not meet again.
                await Task.Delay(Random.Shared.Next(5, 50 * attempt), cancellationToken);
            }
            catch (Exception problem) when (!cancellationToken.IsCancellationRequested)
            {
                state.ReportDown(problem);
                throw new DatabaseAwayException(problem);
            }
        }
    }
}
