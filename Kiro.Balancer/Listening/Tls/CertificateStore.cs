using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>The certificates in force. New files replace them between handshakes; unusable ones change nothing.</summary>
internal sealed class CertificateStore
{
    /// <summary>The extended key usage of client certificates (RFC 5280, section 4.2.1.12).</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly Reloadable<TlsOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateStore> _logger;
    private readonly Lock _reloading = new();
    private volatile CertificateSet _current;
    private volatile string? _problem;

    public CertificateStore(Reloadable<TlsOptions> options, TimeProvider time, ILogger<CertificateStore> logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        Fingerprint = Files.Fingerprint();
        _current = Files.Load(time.GetUtcNow());
        options.OnChange(_ => Reload());
    }

    public CertificateSet Current => _current;

    private CertificateFiles Files => _options.Value.Files!;

    /// <summary>Why the current files are not in force; null if they are.</summary>
    public string? Problem => _problem;

    /// <summary>The fingerprint of the files tried last; 0 if they could not be read.</summary>
    public ulong Fingerprint { get; private set; }

    /// <summary>Loads the files.</summary>
    /// <returns>False if they cannot be used; see <see cref="Problem"/>.</returns>
    public bool Reload()
    {
        lock (_reloading)
        {
            var files = Files;
            Fingerprint = files.Fingerprint();
            try
            {
                _current = files.Load(_time.GetUtcNow());
                _problem = null;
                _logger.CertificatesLoaded(_current.All.Count);
                return true;
            }
            catch (CertificateException problem)
            {
                var text = $"{files.Variable}={files.Path} was rejected, the previous certificates stay in use: expected {problem.Message}";
                if (_problem != text)
                {
                    _problem = text;
                    _logger.CertificatesRefused(text);
                }

                return false;
            }
        }
    }

    /// <summary>Whether the files differ from those tried last.</summary>
    public bool HasNewFiles() => Files.Fingerprint() != Fingerprint;

    /// <summary>Warnings about certificates that expire soon, earliest first.</summary>
    public IReadOnlyList<string> ExpiryWarnings()
    {
        var now = _time.GetUtcNow();
        return [.. Current.All.OrderBy(certificate => certificate.NotAfter).Select(certificate => certificate.ExpiryWarning(now)).OfType<string>()];
    }

    /// <summary>The options of a handshake.</summary>
    public SslServerAuthenticationOptions OptionsFor(string? serverName)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Current.For(serverName).Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Protocols,
        };
        if (_options.Value.ClientAuthorities is { } authorities)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = ClientPolicy(authorities);
        }

        return options;
    }

    private static X509ChainPolicy ClientPolicy(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid(ClientAuthentication));
        return policy;
    }
}

/// <summary>Reloads certificates within seconds after their files have changed, and warns daily about those that expire soon.</summary>
internal sealed class CertificateWatch(CertificateStore store, TimeProvider time, ILogger<CertificateWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var settling = false;
        var loggedAt = LogExpiring();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (time.GetElapsedTime(loggedAt) > Day)
                {
                    loggedAt = LogExpiring();
                }

                var isNew = store.HasNewFiles();
                // Certificate and key are written one after the other: wait for one more period.
                if (isNew && settling)
                {
                    store.Reload();
                }

                settling = isNew && !settling;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down.
        }
    }

    private long LogExpiring()
    {
        foreach (var warning in store.ExpiryWarnings())
        {
            logger.CertificateExpires(warning);
        }

        return time.GetTimestamp();
    }
}
