using System.Net;
using Kiro.Balancer.Backends;
using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

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
