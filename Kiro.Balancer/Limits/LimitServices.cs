using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

internal static class LimitServices
{
    public static void AddLimits(this IServiceCollection services, Reloadable<LimitOptions> options)
    {
        services.AddSingleton(_ => new HopMark());
        services.AddSingleton<LoopGuard>();
        services.AddSingleton(options);
        services.AddSingleton<RequestLimit>();
        services.AddSingleton<BodyLimit>();
        services.AddSingleton<ClientConnections>();
    }
}
