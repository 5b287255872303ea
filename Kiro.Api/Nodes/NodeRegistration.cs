using Kiro.ServiceDefaults;

namespace Kiro.Api.Nodes;

internal static class NodeRegistration
{
    public static void AddNodes(this IServiceCollection services, ApiOptions api, NodeOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => new NodeIdentity(
            api.NodeName,
            Guid.NewGuid().ToString(),
            NodeAddress.WithPort(api.Listen.Port),
            ServiceDefaultsExtensions.Version,
            provider.GetRequiredService<TimeProvider>().GetUtcNow()));
        services.AddSingleton<NodeStore>();
        services.AddSingleton<NodeDirectory>();
        services.AddHostedService<Heartbeat>();
    }
}
