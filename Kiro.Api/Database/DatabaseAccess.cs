using System.Data.Common;
using System.Diagnostics;

namespace Kiro.Api.Database;

/// <summary>Database access: opens connections, retries after deadlocks, reports failures.</summary>
internal sealed class DatabaseAccess(SqlDialect dialect, DatabaseState state) : IDisposable
{
    private const int MaxTries = 5;

    private readonly SemaphoreSlim _oneWriter = new(1);

    /// <summary>Performs a write; a failure marks the database as down.</summary>
    /// <exception cref="DatabaseUnavailableException">The write failed; whether a commit succeeded may be unknown.</exception>
    public async Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        // One at a time, so that a single remaining connection of the server is enough, and the result applies to all.
        await _oneWriter.WaitAsync(cancellationToken);
        try
        {
            return await RunAsync(work, cancellationToken);
        }
        catch (DatabaseUnavailableException problem)
        {
            state.ReportDown(problem);
            throw;
        }
        finally
        {
            _oneWriter.Release();
        }
    }

    /// <summary>Performs a read; a failure only triggers a check of the database's state.</summary>
    /// <exception cref="DatabaseUnavailableException">The read failed.</exception>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(work, cancellationToken);
        }
        catch (DatabaseUnavailableException)
        {
            state.Suspect();
            throw;
        }
    }

    public void Dispose() => _oneWriter.Dispose();

    private async Task<T> RunAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        using var untraced = BackgroundWork.Begin();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await dialect.Source.OpenConnectionAsync(cancellationToken);
                return await work(connection);
            }
            catch (DbException problem) when (dialect.IsDeadlock(problem) && attempt < MaxTries)
            {
                // A random delay, so that the same transactions do not collide again.
                await Task.Delay(Random.Shared.Next(5, 50 * attempt), cancellationToken);
            }
            catch (Exception problem) when (!cancellationToken.IsCancellationRequested)
            {
                throw new DatabaseUnavailableException(problem);
            }
        }
    }
}

/// <summary>The database could not be used.</summary>
internal sealed class DatabaseUnavailableException(Exception cause) : Exception(cause.Message, cause);

/// <summary>
/// Excludes background work at the database from traces: each statement, several per second, would be a trace of its
/// own and hide those of requests. Work for a request is part of that request's trace.
/// </summary>
internal static class BackgroundWork
{
    /// <summary>Until it is disposed of, spans of the calling flow have an unrecorded parent; null within a request.</summary>
    public static Activity? Begin() => Activity.Current is null ? new Activity("background").Start() : null;
}
