using System.Data.Common;
using System.Diagnostics;

namespace Kiro.Api.Database;

/// <summary>The way to the database: opens a connection, repeats what lost a deadlock, reports how it went.</summary>
internal sealed class DatabaseAccess(SqlDialect dialect, DatabaseState state) : IDisposable
{
    private const int MaxTries = 5;

    private readonly SemaphoreSlim _oneWriter = new(1);

    /// <summary>Does what the node needs the database for: a failure takes the verdict down.</summary>
    /// <exception cref="DatabaseAwayException">The database did not do it; whether a commit arrived may be unknown.</exception>
    public async Task<T> WriteAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        // One at a time, so that a server which has one connection left for us is enough, and a verdict holds for all.
        await _oneWriter.WaitAsync(cancellationToken);
        try
        {
            return await RunAsync(work, cancellationToken);
        }
        catch (DatabaseAwayException problem)
        {
            state.ReportDown(problem);
            throw;
        }
        finally
        {
            _oneWriter.Release();
        }
    }

    /// <summary>Reads for somebody who asks: a failure has the verdict looked at again, and decides nothing itself.</summary>
    /// <exception cref="DatabaseAwayException">The database did not do it.</exception>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(work, cancellationToken);
        }
        catch (DatabaseAwayException)
        {
            state.Doubt();
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
                // The transactions that met here must not meet again.
                await Task.Delay(Random.Shared.Next(5, 50 * attempt), cancellationToken);
            }
            catch (Exception problem) when (!cancellationToken.IsCancellationRequested)
            {
                throw new DatabaseAwayException(problem);
            }
        }
    }
}

/// <summary>The database could not be used.</summary>
internal sealed class DatabaseAwayException(Exception cause) : Exception(cause.Message, cause);

/// <summary>
/// What the node does for itself at the database, several times a second, is in no trace: each statement would be a trace of its
/// own, and hide those of requests. What it does for a request is part of that request's.
/// </summary>
internal static class BackgroundWork
{
    /// <summary>Until it is disposed, the spans of the calling flow have a parent that nobody records; null within a request.</summary>
    public static Activity? Begin() => Activity.Current is null ? new Activity("background").Start() : null;
}
