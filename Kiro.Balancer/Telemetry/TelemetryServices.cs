namespace Kiro.Balancer.Telemetry;

internal static class TelemetryServices
{
    public static void AddBalancerMetrics(this IServiceCollection services) => services.AddHostedService<BalancerMetrics>();
}
