using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Backends;

/// <summary>The TLS handshake with a backend.</summary>
internal sealed class BackendTls(BackendTransportOptions options, TimeProvider time)
{
    private const SslProtocols Versions = SslProtocols.Tls12 | SslProtocols.Tls13;

    private static readonly List<SslApplicationProtocol> Http1 = [SslApplicationProtocol.Http11];
    private static readonly List<SslApplicationProtocol> Http2 = [SslApplicationProtocol.Http2];

    public BackendTransportOptions Options => options;

    /// <summary>Performs the handshake and verifies the certificate.</summary>
    /// <param name="connection">Owned by the returned stream; disposed on failure.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="limit">The handshake timeout.</param>
    /// <param name="cancellationToken">Cancels the handshake.</param>
    /// <exception cref="BackendTlsException">The handshake failed.</exception>
    public async ValueTask<SslStream> AuthenticateAsync(Stream connection, Backend backend, TimeSpan limit, CancellationToken cancellationToken)
    {
        var (stream, problem) = (new SslStream(connection), (string?)null);
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await stream.AuthenticateAsClientAsync(OptionsFor(backend, found => problem = found), either.Token);
            // Servers without ALPN speak HTTP/1.1.
            return options.IsHttp2 && stream.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2
                ? throw new BackendTlsException("it does not offer HTTP/2 (BACKEND_PROTOCOL)")
                : stream;
        }
        catch (Exception failure)
        {
            await stream.DisposeAsync();
            throw failure switch
            {
                OperationCanceledException when !cancellationToken.IsCancellationRequested => BackendTlsException.TimedOut(limit, failure),
                AuthenticationException or IOException when failure is not BackendTlsException => BackendTlsException.From(failure, problem),
                _ => failure,
            };
        }
    }

    /// <summary>The options of a handshake.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="onProblem">Called with the reason when its certificate is not accepted.</param>
    public SslClientAuthenticationOptions OptionsFor(Backend backend, Action<string> onProblem)
    {
        var name = options.TlsName ?? backend.Host;
        return new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = Versions,
            ApplicationProtocols = options.IsHttp2 ? Http2 : Http1,
            AllowRenegotiation = false,
            CertificateChainPolicy = Policy(),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                if (TlsProblem.OfCertificate(certificate as X509Certificate2, chain, errors, name, time.GetUtcNow()) is not { } problem)
                {
                    return true;
                }

                onProblem(problem);
                return false;
            },
        };
    }

    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (options.Authorities is { } authorities)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }
}
