namespace Kiro.Api.Database;

/// <summary>A component that needs the database.</summary>
internal interface IDatabaseProbe
{
    /// <summary>Performs its database work, as proof that it succeeds.</summary>
    /// <exception cref="DatabaseUnavailableException">It failed.</exception>
    Task ProbeAsync(CancellationToken cancellationToken);
}

/// <summary>
/// Keeps the database state current. While the database is down, migrates the schema and tries everything that needs the
/// database; while it is up, repeats that every few seconds. The node keeps serving meanwhile.
/// </summary>
internal sealed class DatabaseWatch(
    SqlDialect dialect, SchemaMigration schema, DatabaseState state, IEnumerable<IDatabaseProbe> probes, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    /// <summary>If the database fails again within this time, the next recovery takes longer.</summary>
    private static readonly TimeSpan GoodRun = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(30);

    private TimeSpan _retry = Tick;
    private TimeSpan _hold = Tick;
    private bool _wasUp;
    private long _risenAt;
    private long _probedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(await LookAsync(stoppingToken), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>The delay before the next check.</returns>
    private async Task<TimeSpan> LookAsync(CancellationToken stoppingToken)
    {
        if (_wasUp && !state.IsUp)
        {
            _wasUp = false;
            _hold = time.GetElapsedTime(_risenAt) < GoodRun ? Shorter(_hold * 2, MaxHold) : Tick;
            return _hold;
        }

        if (state.IsUp && !state.IsSuspect && time.GetElapsedTime(_probedAt) < ProbeInterval)
        {
            return Tick;
        }

        if (await ProbeAsync(stoppingToken))
        {
            _probedAt = time.GetTimestamp();
            if (!_wasUp)
            {
                (_wasUp, _risenAt, _retry) = (true, _probedAt, Tick);
            }

            return Tick;
        }

        _retry = Shorter(_retry + Tick, MaxRetry);
        return _retry;
    }

    private async Task<bool> ProbeAsync(CancellationToken stoppingToken)
    {
        using var untraced = BackgroundWork.Begin();
        try
        {
            var isRise = !state.IsUp;
            if (isRise)
            {
                await dialect.ForgetConnectionsAsync();
                // The server may have come back empty, so check the schema again.
                await schema.RunAsync(stoppingToken);
            }

            foreach (var probe in probes)
            {
                await probe.ProbeAsync(stoppingToken);
            }

            if (isRise)
            {
                state.ReportUp();
            }

            state.ClearSuspicion();
            return true;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (DatabaseUnavailableException)
        {
            // Already reported.
        }
        catch (Exception problem)
        {
            state.ReportDown(problem);
        }

        return false;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
