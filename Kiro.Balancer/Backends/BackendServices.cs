using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

internal static class BackendServices
{
    /// <param name="services">Where to add it.</param>
    /// <param name="transport">How nodes are spoken to.</param>
    /// <param name="thresholds">How many probes change a verdict.</param>
    /// <param name="hasTimes">Whether something becomes of nodes by time alone.</param>
    public static void AddBackends(this IServiceCollection services, BackendTransportOptions transport, Reloadable<ProbeThresholds> thresholds, bool hasTimes)
    {
        services.AddSingleton(transport);
        services.AddSingleton<BackendTls>();
        services.AddSingleton(thresholds);
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<BackendRegistry>();
        services.AddSingleton<BackendChooser>();
        services.AddSingleton<Homes>();
        if (hasTimes)
        {
            services.AddHostedService<RegistryClock>();
        }
    }
}

/// <summary>Moves on what time alone changes, a step a second: slow starts, and drains that end.</summary>
internal sealed class RegistryClock(BackendRegistry registry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                registry.Refresh();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }
}
