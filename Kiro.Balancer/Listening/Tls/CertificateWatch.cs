using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>Takes new certificates within seconds of their being written; a reload takes them at once. Says once a day which expire
/// soon.</summary>
internal sealed class CertificateWatch(CertificateStore store, TimeProvider time, ILogger<CertificateWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var settling = false;
        var told = Tell();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (time.GetElapsedTime(told) > Day)
                {
                    told = Tell();
                }

                var isNew = store.HasNewFiles();
                // A certificate and its key are two files, and whoever writes them may be between the two.
                if (isNew && settling)
                {
                    store.Reload();
                }

                settling = isNew && !settling;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }

    private long Tell()
    {
        foreach (var warning in store.ExpiryWarnings())
        {
            logger.CertificateExpires(warning);
        }

        return time.GetTimestamp();
    }
}
