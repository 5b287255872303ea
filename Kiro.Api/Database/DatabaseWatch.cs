namespace Kiro.Api.Database;

/// <summary>Something that the database is needed for.</summary>
internal interface IDatabaseUse
{
    /// <summary>Does it now, with whatever there is to do: that it works is the only proof that it works.</summary>
    /// <exception cref="DatabaseAwayException">It did not work.</exception>
    Task ProveAsync(CancellationToken cancellationToken);
}

/// <summary>
/// Keeps the verdict true. While the database is down it brings the schema up to date and tries all that the database
/// is needed for; while it is up it tries that every few seconds. The node serves all the while.
/// </summary>
internal sealed class DatabaseWatch(
    SqlDialect dialect, SchemaMigration schema, DatabaseState state, IEnumerable<IDatabaseUse> uses, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProofInterval = TimeSpan.FromSeconds(5);

    /// <summary>A database that goes again this soon has to prove itself for longer the next time.</summary>
    private static readonly TimeSpan GoodRun = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxHold = TimeSpan.FromSeconds(30);

    private TimeSpan _retry = Tick;
    private TimeSpan _hold = Tick;
    private bool _wasUp;
    private long _risenAt;
    private long _provedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(await LookAsync(stoppingToken), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How long to wait before the next look.</returns>
    private async Task<TimeSpan> LookAsync(CancellationToken stoppingToken)
    {
        if (_wasUp && !state.IsUp)
        {
            _wasUp = false;
            _hold = time.GetElapsedTime(_risenAt) < GoodRun ? Shorter(_hold * 2, MaxHold) : Tick;
            return _hold;
        }

        if (state.IsUp && !state.IsDoubted && time.GetElapsedTime(_provedAt) < ProofInterval)
        {
            return Tick;
        }

        if (await ProveAsync(stoppingToken))
        {
            _provedAt = time.GetTimestamp();
            if (!_wasUp)
            {
                (_wasUp, _risenAt, _retry) = (true, _provedAt, Tick);
            }

            return Tick;
        }

        _retry = Shorter(_retry + Tick, MaxRetry);
        return _retry;
    }

    private async Task<bool> ProveAsync(CancellationToken stoppingToken)
    {
        using var untraced = BackgroundWork.Begin();
        try
        {
            var isRise = !state.IsUp;
            if (isRise)
            {
                await dialect.ForgetConnectionsAsync();
                // A server that returns may have come back empty, so the schema is looked at again.
                await schema.RunAsync(stoppingToken);
            }

            foreach (var use in uses)
            {
                await use.ProveAsync(stoppingToken);
            }

            if (isRise)
            {
                state.ReportUp();
            }

            state.Believe();
            return true;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (DatabaseAwayException)
        {
            // Has been reported.
        }
        catch (Exception problem)
        {
            state.ReportDown(problem);
        }

        return false;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
