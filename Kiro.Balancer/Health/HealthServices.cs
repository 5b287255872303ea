using Kiro.Balancer.Health.Active;
using Kiro.Balancer.Health.Passive;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health;

internal static class HealthServices
{
    public static void AddHealth(this IServiceCollection services, Reloadable<HealthOptions> options, Reloadable<ErrorWatchOptions> errors)
    {
        services.AddSingleton(options);
        services.AddSingleton(errors);
        services.AddHostedService<ErrorWatch>();
        services.AddSingleton<ProbeSchedule>();
        services.AddSingleton<Prober>();
        services.AddHostedService<ProbeLoop>();
        services.AddSingleton<PassiveHealth>();
        services.AddHostedService<SilenceWatch>();
    }
}
