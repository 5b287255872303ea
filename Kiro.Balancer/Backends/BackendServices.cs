namespace Kiro.Balancer.Backends;

internal static class BackendServices
{
    public static void AddBackends(this IServiceCollection services) => services.AddSingleton<BackendRegistry>();
}
