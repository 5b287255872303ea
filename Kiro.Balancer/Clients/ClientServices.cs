using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

internal static class ClientServices
{
    public static void AddClients(this IServiceCollection services, Reloadable<ClientOptions> options) => services
        .AddSingleton(options)
        .AddSingleton(options.Value.Sticky)
        .AddSingleton(_ =>
        {
            var resolver = new ClientResolver(options.Value);
            options.OnChange(now => resolver.Trust(now.TrustedProxies));
            return resolver;
        })
        .AddSingleton<ClientCensus>();
}
