namespace Kiro.Balancer.Backends;

/// <summary>Moves slow starts on, a step a second.</summary>
internal sealed class SlowStartLoop(BackendRegistry registry, TimeProvider time) : BackgroundService
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
