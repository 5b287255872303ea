using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

internal static class StateServices
{
    /// <summary>Adds what outlives the process. Before discovery, which makes the nodes known.</summary>
    public static void AddState(this IServiceCollection services, StateOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<StateChanges>();
        services.AddSingleton<StateStatus>();
        services.AddSingleton<NodeMemory>();
        services.AddSingleton<IBackendMemory>(provider => provider.GetRequiredService<NodeMemory>());
        services.AddSingleton<IStatePart, NodesPart>();
        services.AddSingleton<BalancerState>();
        services.AddSingleton<StateFile>();
        if (options.File is not null)
        {
            services.AddHostedService(provider => provider.GetRequiredService<StateFile>());
        }
    }
}
