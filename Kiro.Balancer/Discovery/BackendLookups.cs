using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

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
