using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Discovery;

/// <summary>
/// Looks the nodes up again and again, and at once when a connection failed. A failed or empty lookup changes nothing:
/// the last good answer stays in use.
/// </summary>
internal sealed class DiscoveryLoop(
    IBackendLookup lookup,
    DiscoveryOptions options,
    DiscoveryStatus status,
    BackendRegistry registry,
    TimeProvider time,
    ILogger<DiscoveryLoop> logger) : BackgroundService
{
    /// <summary>Two lookups are never closer together, however many connections fail.</summary>
    public static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await LookUpAsync(stoppingToken);
                if (!lookup.CanChange)
                {
                    return;
                }

                await WaitAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }

    private async Task LookUpAsync(CancellationToken stoppingToken)
    {
        string problem;
        try
        {
            var found = await lookup.FindAsync(stoppingToken);
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
        catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
        {
            problem = failure switch
            {
                TimeoutException => "no response in time",
                SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } => "the name does not exist",
                SocketException { SocketErrorCode: SocketError.TryAgain } => "no name server answers",
                _ => failure.Message,
            };
        }

        if (status.Problem is null)
        {
            logger.LookupFailed(lookup.Source, problem);
        }

        status.Problem = $"Looking up {lookup.Source} failed: {problem}";
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        var shortest = options.Interval < ShortestInterval ? options.Interval : ShortestInterval;
        await Task.Delay(shortest, time, stoppingToken);
        if (status.Problem is null)
        {
            await registry.LookupNow.WaitAsync(options.Interval - shortest, time, stoppingToken);
        }
    }
}
