namespace Kiro.Balancer.Backends;

internal static class BackendServices
{
    public static void AddBackends(this IServiceCollection services, SelectionOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<BackendRegistry>();
        if (options.SlowStart > TimeSpan.Zero)
        {
            services.AddHostedService<SlowStartLoop>();
        }
    }
}
