using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.ServiceDiscovery;

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

/// <summary>One way of finding the nodes.</summary>
internal interface IBackendLookup
{
    /// <summary>What is asked, for messages.</summary>
    string Source { get; }

    /// <summary>Whether a second lookup can have another result.</summary>
    bool CanChange { get; }

    /// <summary>Asks. Any exception is a failed lookup.</summary>
    Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken);
}

/// <summary>Nodes that stand in the settings.</summary>
internal sealed class FixedLookup(IReadOnlyList<BackendEndpoint> endpoints) : IBackendLookup
{
    public string Source => "the fixed list";

    public bool CanChange => false;

    public Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken) => Task.FromResult(endpoints);
}

/// <summary>Every A and AAAA address behind a name, through the system's resolver: its hosts file and search list count.</summary>
internal sealed class DnsLookup(string name, int port, TimeProvider time, bool isTls = false) : IBackendLookup
{
    // The system's resolver may take much longer to give up, and it cannot be cancelled.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public string Source => name;

    public bool CanChange => true;

    public async Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(name, cancellationToken).WaitAsync(Patience, time, cancellationToken);
        return [.. addresses.Select(address => new BackendEndpoint(address.ToString(), port, IsTls: isTls))];
    }
}

/// <summary>The endpoints that Microsoft.Extensions.ServiceDiscovery knows for the API: <c>services__api__http__0…</c>.</summary>
internal sealed class ServiceDiscoveryLookup(ServiceEndpointResolver resolver) : IBackendLookup
{
    public string Source => $"service discovery for {DiscoveryOptions.Service}";

    public bool CanChange => true;

    public async Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken)
    {
        var source = await resolver.GetEndpointsAsync($"http+https://{DiscoveryOptions.Service}", cancellationToken);
        return [.. source.Endpoints.Select(endpoint => From(endpoint.EndPoint))];
    }

    private static BackendEndpoint From(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint ip => new BackendEndpoint(ip.Address.ToString(), ip.Port),
        DnsEndPoint dns => new BackendEndpoint(dns.Host, dns.Port),
        // The package's own kind of endpoint says its URL.
        _ when Uri.TryCreate(endpoint.ToString(), UriKind.Absolute, out var url) => new BackendEndpoint(url.IdnHost, url.Port, IsTls: url.Scheme == Uri.UriSchemeHttps),
        _ => throw new FormatException($"{endpoint} is no address"),
    };
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
