using System.Net;
using Kiro.Balancer.Backends;
using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

/// <summary>A source of backends.</summary>
internal interface IBackendLookup
{
    /// <summary>The source, for messages.</summary>
    string Source { get; }

    /// <summary>Whether the result can change.</summary>
    bool CanChange { get; }

    /// <summary>Looks up the backends. Any exception is a failed lookup.</summary>
    Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken);
}

/// <summary>Backends listed in the settings.</summary>
internal sealed class FixedLookup(IReadOnlyList<BackendEndpoint> endpoints) : IBackendLookup
{
    public string Source => "the fixed list";

    public bool CanChange => false;

    public Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken) => Task.FromResult(endpoints);
}

/// <summary>All A and AAAA addresses of a name, from the system's resolver, which also uses the hosts file and search domains.</summary>
internal sealed class DnsLookup(string name, int port, TimeProvider time, bool isTls = false) : IBackendLookup
{
    // The system's resolver has a longer timeout, and cannot be cancelled.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public string Source => name;

    public bool CanChange => true;

    public async Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(name, cancellationToken).WaitAsync(Timeout, time, cancellationToken);
        return [.. addresses.Select(address => new BackendEndpoint(address.ToString(), port, IsTls: isTls))];
    }
}

/// <summary>The API's endpoints in Microsoft.Extensions.ServiceDiscovery: <c>services__api__http__0…</c>.</summary>
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
        // The package's own UriEndPoint, which is internal.
        _ when Uri.TryCreate(endpoint.ToString(), UriKind.Absolute, out var url) => new BackendEndpoint(url.IdnHost, url.Port, IsTls: url.Scheme == Uri.UriSchemeHttps),
        _ => throw new FormatException($"{endpoint} is no address"),
    };
}
