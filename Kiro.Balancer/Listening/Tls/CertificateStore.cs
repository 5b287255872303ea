using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>The certificates in force. New files replace them between two handshakes; what cannot be used changes nothing.</summary>
internal sealed class CertificateStore
{
    /// <summary>For which a certificate may be used that a client shows (RFC 5280, section 4.2.1.12).</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly CertificateFiles _files;
    private readonly X509Certificate2Collection? _clientAuthorities;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateStore> _logger;
    private readonly Lock _reloading = new();
    private volatile CertificateSet _current;
    private volatile string? _problem;

    public CertificateStore(TlsOptions options, TimeProvider time, ILogger<CertificateStore> logger)
    {
        (_files, _clientAuthorities, _time, _logger) = (options.Files!, options.ClientAuthorities, time, logger);
        Fingerprint = _files.Fingerprint();
        _current = _files.Load(time.GetUtcNow());
    }

    public CertificateSet Current => _current;

    /// <summary>Why the files that lie there now are not in force; null when they are.</summary>
    public string? Problem => _problem;

    /// <summary>Of the files that were last tried.</summary>
    public ulong Fingerprint { get; private set; }

    /// <summary>Takes the files into force.</summary>
    /// <returns>False when they cannot be used: <see cref="Problem"/>.</returns>
    public bool Reload()
    {
        lock (_reloading)
        {
            Fingerprint = _files.Fingerprint();
            try
            {
                _current = _files.Load(_time.GetUtcNow());
                _problem = null;
                _logger.CertificatesLoaded(_current.All.Count);
                return true;
            }
            catch (CertificateException problem)
            {
                var text = $"{_files.Variable}={_files.Path} is not taken, the certificates before stay: expected {problem.Message}";
                if (_problem != text)
                {
                    _problem = text;
                    _logger.CertificatesRefused(text);
                }

                return false;
            }
        }
    }

    /// <summary>Whether there are other files than those tried last.</summary>
    public bool HasNewFiles() => _files.Fingerprint() is not 0 and var fingerprint && fingerprint != Fingerprint;

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
        if (_clientAuthorities is not null)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = ClientPolicy(_clientAuthorities);
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
