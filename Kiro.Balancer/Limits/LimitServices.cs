namespace Kiro.Balancer.Limits;

internal static class LimitServices
{
    public static void AddLimits(this IServiceCollection services)
    {
        services.AddSingleton(_ => new HopMark());
        services.AddSingleton<LoopGuard>();
    }
}
