using Kiro.Balancer.Front.Exchange;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Front.Listening;

internal static class FrontServiceCollection
{
    /// <summary>Has the loops take the public port, when that is wanted and possible.</summary>
    public static void AddFront(this IServiceCollection services, FrontOptions options)
    {
        services.AddSingleton<FrontLoops>();
        if (!options.IsOn)
        {
            return;
        }

        services.AddSingleton(options);
        services.AddSingleton<FrontMetrics>();
        services.AddSingleton<FrontAccessLog>();
        services.AddSingleton<IConnectionListenerFactory, FrontListenerFactory>();
    }
}
