using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

/// <summary>
/// Looks up the backends at intervals, and early when a connection fails. After a failed or empty lookup, the last good result stays
/// in use. A change of the settings takes effect immediately.
/// </summary>
internal sealed class DiscoveryLoop(
    Func<DiscoveryOptions, IBackendLookup> lookups,
    Reloadable<DiscoveryOptions> options,
    DiscoveryStatus status,
    BackendRegistry registry,
    TimeProvider time,
    ILogger<DiscoveryLoop> logger) : BackgroundService
{
    /// <summary>The minimum time between lookups, however many connections fail.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(5);

    private CancellationTokenSource _settingsChanged = new();

    public override void Dispose()
    {
        _settingsChanged.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        options.OnChange(_ => Interlocked.Exchange(ref _settingsChanged, new CancellationTokenSource()).Cancel());
        try
        {
            while (true)
            {
                // Before reading the settings, so that no change is missed.
                using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, Volatile.Read(ref _settingsChanged).Token);
                try
                {
                    await RunAsync(options.Value, end.Token);
                }
                catch (OperationCanceledException) when (end.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
                {
                    // The settings have changed.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown.
        }
    }

    private async Task RunAsync(DiscoveryOptions now, CancellationToken end)
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
        var minimum = interval < MinInterval ? interval : MinInterval;
        await Task.Delay(minimum, time, end);
        if (status.Problem is null)
        {
            await registry.LookupNow.WaitAsync(interval - minimum, time, end);
        }
    }
}

/// <summary>The outcome of the last lookup.</summary>
internal sealed class DiscoveryStatus
{
    private volatile string? _problem;

    /// <summary>Why it failed; null if it did not.</summary>
    public string? Problem
    {
        get => _problem;
        set => _problem = value;
    }
}

internal static class DiscoveryServices
{
    public static void AddDiscovery(this IServiceCollection services, Reloadable<DiscoveryOptions> options)
    {
        services.AddSingleton(options);
        services.AddSingleton<DiscoveryStatus>();
        services.AddSingleton<Func<DiscoveryOptions, IBackendLookup>>(provider => now => now.Mode switch
        {
            DiscoveryMode.ServiceDiscovery => new ServiceDiscoveryLookup(provider.GetRequiredService<ServiceEndpointResolver>()),
            DiscoveryMode.Dns => new DnsLookup(now.Dns!, now.DnsPort, provider.GetRequiredService<TimeProvider>(), now.DnsIsTls),
            _ => new FixedLookup(now.Fixed),
        });
        services.AddHostedService<DiscoveryLoop>();
    }
}
