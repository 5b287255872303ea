namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>Checks the timeouts of all connections every second, so that none needs a timer.</summary>
internal sealed class ConnectionWatch(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly HashSet<IWatchedConnection> _connections = [];
    private int _now;

    /// <summary>Seconds since the start: accurate enough for timeouts, and cheap enough to read for every byte.</summary>
    public int Now => Volatile.Read(ref _now);

    public void Add(IWatchedConnection connection)
    {
        lock (_connections)
        {
            _connections.Add(connection);
        }
    }

    public void Remove(IWatchedConnection connection)
    {
        lock (_connections)
        {
            _connections.Remove(connection);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var connection in All())
        {
            connection.CloseIdle();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetTimestamp();
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Volatile.Write(ref _now, (int)time.GetElapsedTime(start).TotalSeconds);
                foreach (var connection in All())
                {
                    connection.CheckTimeouts(_now);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Exchanges in progress end with the server.
        }
    }

    private IWatchedConnection[] All()
    {
        lock (_connections)
        {
            return [.. _connections];
        }
    }
}

/// <summary>A backend connection whose timeouts are checked.</summary>
internal interface IWatchedConnection
{
    /// <summary>Enforces the idle timeouts.</summary>
    /// <param name="now">As <see cref="ConnectionWatch.Now"/>.</param>
    void CheckTimeouts(int now);

    /// <summary>Closes it if it is idle.</summary>
    void CloseIdle();
}
