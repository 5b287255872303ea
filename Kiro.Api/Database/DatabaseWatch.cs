using Dapper;

namespace Kiro.Api.Database;

/// <summary>
/// Keeps the verdict true: connects and brings the schema up to date until that works, then makes sure now and then
/// that the database still answers. The node serves all the while.
/// </summary>
internal sealed class DatabaseWatch(
    SchemaMigration schema, DatabaseAccess database, DatabaseState state, TimeProvider time) : BackgroundService
{
    private const int SlowestRetry = 5;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            failures = await LookAsync(stoppingToken) ? 0 : Math.Min(failures + 1, SlowestRetry);
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(1, failures)), time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> LookAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (!state.IsUp)
            {
                // A server that returns may have come back empty, so the schema is looked at again.
                await schema.RunAsync(stoppingToken);
                state.ReportUp();
            }
            else if (state.Quiet > Silence)
            {
                await database.RunAsync(connection => connection.ExecuteScalarAsync<int>("SELECT 1"), stoppingToken);
            }
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (DatabaseAwayException)
        {
        }
        catch (Exception problem)
        {
            state.ReportDown(problem);
        }

        return state.IsUp;
    }
}
