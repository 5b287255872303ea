using System.Runtime.InteropServices;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>Takes new certificates within seconds of their being written, and at once on SIGHUP.</summary>
internal sealed class CertificateWatch(CertificateStore store, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            store.Reload();
        });
        using var timer = new PeriodicTimer(Period, time);
        var settling = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
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
}
