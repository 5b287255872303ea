using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>
/// Looks the nodes up again and again, and at once when a connection failed. A failed or empty lookup changes nothing:
/// the last good result stays in use.
/// Other settings are another lookup, at once.
/// </summary>
internal sealed class DiscoveryLoop(
    Func<DiscoveryOptions, IBackendLookup> lookups,
    Reloadable<DiscoveryOptions> options,
    DiscoveryStatus status,
    BackendRegistry registry,
    TimeProvider time,
    ILogger<DiscoveryLoop> logger) : BackgroundService
{
    /// <summary>Two lookups are never closer together, however many connections fail.</summary>
    public static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(5);

    private CancellationTokenSource _otherSettings = new();

    public override void Dispose()
    {
        _otherSettings.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        options.OnChange(_ => Interlocked.Exchange(ref _otherSettings, new CancellationTokenSource()).Cancel());
        try
        {
            while (true)
            {
                // Before the settings are read, so that no change of them is missed.
                using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, Volatile.Read(ref _otherSettings).Token);
                try
                {
                    await FollowAsync(options.Value, end.Token);
                }
                catch (OperationCanceledException) when (end.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
                {
                    // There are other settings.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }

    private async Task FollowAsync(DiscoveryOptions now, CancellationToken end)
    {
        var lookup = lookups(now);
        while (true)
        {
            await LookUpAsync(lookup, end);
            await (lookup.CanChange ? WaitAsync(now.Interval, end) : Task.Delay(Timeout.Infinite, end));
        }
    }

    private async Task LookUpAsync(IBackendLookup lookup, CancellationToken end)
    {
        string problem;
        try
        {
            var found = await lookup.FindAsync(end);
            if (found.Count > 0)
            {
                registry.SetMembers(found);
                if (status.Problem is not null)
                {
                    logger.LookupWorks(lookup.Source);
                }

                status.Problem = null;
                return;
            }

            problem = "no address";
        }
        catch (Exception failure) when (!end.IsCancellationRequested)
        {
            problem = failure switch
            {
                TimeoutException => "no response in time",
                SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } => "the name does not exist",
                SocketException { SocketErrorCode: SocketError.TryAgain } => "no name server responds",
                _ => failure.Message,
            };
        }

        if (status.Problem is null)
        {
            logger.LookupFailed(lookup.Source, problem);
        }

        status.Problem = $"Looking up {lookup.Source} failed: {problem}";
    }

    private async Task WaitAsync(TimeSpan interval, CancellationToken end)
    {
        var shortest = interval < ShortestInterval ? interval : ShortestInterval;
        await Task.Delay(shortest, time, end);
        if (status.Problem is null)
        {
            await registry.LookupNow.WaitAsync(interval - shortest, time, end);
        }
    }
}

/// <summary>How the last lookup went.</summary>
internal sealed class DiscoveryStatus
{
    private volatile string? _problem;

    /// <summary>Why the last lookup failed; null when it did not.</summary>
    public string? Problem
    {
        get => _problem;
        set => _problem = value;
    }
}
