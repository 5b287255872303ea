using System.Diagnostics.Metrics;
using Kiro.Balancer.Listening.Tls;

namespace Kiro.Balancer.Telemetry;

/// <summary>How long the certificates last that clients are shown.</summary>
internal sealed class TlsMetrics : IHostedService
{
    public TlsMetrics(IMeterFactory meters, TimeProvider time, CertificateStore? store = null)
    {
        if (store is null)
        {
            return;
        }

        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableGauge("kiro.tls.certificate.days_left", () => DaysLeft(store, time), null, "Whole days until a certificate expires, negative afterwards");
        meter.CreateObservableGauge("kiro.tls.certificate.refused", () => store.Problem is null ? 0L : 1L, null, "1 while the certificates that lie there now cannot be used, so that those before are in force");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // During a renewal there may be two for one name, of which clients get the one that is valid for longer.
    private static IEnumerable<Measurement<long>> DaysLeft(CertificateStore store, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return store.Current.All.GroupBy(certificate => certificate.Name).Select(group =>
            new Measurement<long>(group.Max(certificate => certificate.DaysLeft(now)), new KeyValuePair<string, object?>("certificate", group.Key)));
    }
}
