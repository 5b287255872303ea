using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>The certificates in force. New files replace them between two handshakes; what cannot be used changes nothing.</summary>
internal sealed class CertificateStore
{
    /// <summary>For which a certificate may be used that a client shows (RFC 5280, section 4.2.1.12).</summary>
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

    /// <summary>Why the files that lie there now are not in force; null when they are.</summary>
    public string? Problem => _problem;

    /// <summary>Of the files that were last tried; 0 when they could not be read.</summary>
    public ulong Fingerprint { get; private set; }

    /// <summary>Takes the files into force.</summary>
    /// <returns>False when they cannot be used: <see cref="Problem"/>.</returns>
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
                var text = $"{files.Variable}={files.Path} is not taken, the certificates before stay: expected {problem.Message}";
                if (_problem != text)
                {
                    _problem = text;
                    _logger.CertificatesRefused(text);
                }

                return false;
            }
        }
    }

    /// <summary>Whether there are other files than those tried last, or some that cannot be read any more.</summary>
    public bool HasNewFiles() => Files.Fingerprint() != Fingerprint;

    /// <summary>A sentence for each certificate that expires soon, the first one first.</summary>
    public IReadOnlyList<string> ExpiryWarnings()
    {
        var now = _time.GetUtcNow();
        return [.. Current.All.OrderBy(certificate => certificate.NotAfter).Select(certificate => certificate.ExpiryWarning(now)).OfType<string>()];
    }

    /// <summary>What a handshake is to use.</summary>
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
