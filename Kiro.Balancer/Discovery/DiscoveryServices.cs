using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.ServiceDiscovery;

namespace Kiro.Balancer.Discovery;

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
