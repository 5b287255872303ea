namespace Kiro.Balancer.Backends;

internal static class BackendServices
{
    public static void AddBackends(this IServiceCollection services, BackendTransportOptions transport, ProbeThresholds thresholds, bool hasSlowStart)
    {
        services.AddSingleton(transport);
        services.AddSingleton<BackendTls>();
        services.AddSingleton(thresholds);
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<BackendRegistry>();
        services.AddSingleton<BackendChooser>();
        if (hasSlowStart)
        {
            services.AddHostedService<SlowStartLoop>();
        }
    }
}
