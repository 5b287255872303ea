using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Admin;

/// <summary>What there is to say of the certificates that clients are shown.</summary>
/// <param name="options">The port.</param>
/// <param name="time">For the days that are left.</param>
/// <param name="store">The certificates; null without HTTPS.</param>
internal sealed class TlsReport(Reloadable<TlsOptions> options, TimeProvider time, CertificateStore? store = null)
{
    private const int MaxCertificates = 50;
    private const int MaxWarnings = 3;

    /// <returns>Null without HTTPS.</returns>
    public TlsStatus? Now()
    {
        if (store is null)
        {
            return null;
        }

        var now = time.GetUtcNow();
        return new TlsStatus
        {
            Port = options.Value.Port!.Value,
            Certificates = [.. store.Current.All.OrderBy(certificate => certificate.NotAfter).Take(MaxCertificates)
                .Select(certificate => new CertificateStatus(certificate.Names, certificate.NotAfter, certificate.DaysLeft(now)))],
            Problem = store.Problem,
        };
    }

    /// <summary>Certificates that expire soon, and new ones that cannot be used.</summary>
    public IEnumerable<string> Warnings()
    {
        if (store is null)
        {
            yield break;
        }

        var soon = store.ExpiryWarnings();
        foreach (var warning in soon.Take(MaxWarnings))
        {
            yield return warning;
        }

        if (soon.Count > MaxWarnings)
        {
            yield return $"{soon.Count - MaxWarnings} more certificates expire within {ServerCertificate.WarningDays} days.";
        }

        if (store.Problem is { } problem)
        {
            yield return $"{problem}.";
        }
    }
}
