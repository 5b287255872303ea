using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Telemetry.AccessLog;

internal static class AccessLogServices
{
    public static void AddAccessLog(this IServiceCollection services, Reloadable<AccessLogOptions> options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AccessLogWriter>();
    }
}
