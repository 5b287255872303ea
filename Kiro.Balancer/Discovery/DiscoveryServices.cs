using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

internal static class DiscoveryServices
{
    public static void AddDiscovery(this IServiceCollection services, DiscoveryOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<DiscoveryStatus>();
        services.AddSingleton<IBackendLookup>(provider => options.Mode switch
        {
            DiscoveryMode.ServiceDiscovery => new ServiceDiscoveryLookup(provider.GetRequiredService<ServiceEndpointResolver>()),
            DiscoveryMode.Dns => new DnsLookup(options.Dns!, options.DnsPort, provider.GetRequiredService<TimeProvider>(), options.DnsIsTls),
            _ => new FixedLookup(options.Fixed),
        });
        services.AddHostedService<DiscoveryLoop>();
    }
}
