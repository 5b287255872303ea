namespace Kiro.Balancer.Health;

internal static class HealthServices
{
    public static void AddHealth(this IServiceCollection services, HealthOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<HealthRules>();
        services.AddSingleton<Prober>();
        services.AddHostedService<ProbeLoop>();
        services.AddHostedService<StallWatch>();
    }
}
