using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Backends;

/// <summary>Makes a connection to a node a TLS connection, and says in plain words why it cannot be one.</summary>
internal sealed class BackendTls(BackendTransportOptions options, TimeProvider time)
{
    private const SslProtocols Versions = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>What the connection is for (ALPN, RFC 7301).</summary>
    private static readonly List<SslApplicationProtocol> Http1 = [SslApplicationProtocol.Http11];
    private static readonly List<SslApplicationProtocol> Http2 = [SslApplicationProtocol.Http2];

    /// <summary>How nodes are spoken to.</summary>
    public BackendTransportOptions Options => options;

    /// <summary>Shakes hands, and verifies that the node is who it should be.</summary>
    /// <param name="connection">Connected; it is closed with what is returned, or when there is nothing to return.</param>
    /// <param name="backend">The node.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="BackendTlsException">There is no handshake, or not with this node.</exception>
    public async ValueTask<SslStream> AuthenticateAsync(Stream connection, Backend backend, TimeSpan limit, CancellationToken cancellationToken)
    {
        var (stream, problem) = (new SslStream(connection), (string?)null);
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var name = options.TlsName ?? backend.Host;
            await stream.AuthenticateAsClientAsync(OptionsFor(name, found => problem = found), either.Token);
            // Servers that know no ALPN speak HTTP/1.1.
            return options.IsHttp2 && stream.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2
                ? throw new BackendTlsException("it does not offer HTTP/2 (BACKEND_PROTOCOL)")
                : stream;
        }
        catch (Exception failure)
        {
            await stream.DisposeAsync();
            throw failure switch
            {
                OperationCanceledException when !cancellationToken.IsCancellationRequested =>
                    new BackendTlsException(FormattableString.Invariant($"it was not done within {limit.TotalSeconds:0.#} s"), failure, isSlow: true),
                AuthenticationException or IOException when failure is not BackendTlsException =>
                    new BackendTlsException(problem ?? TlsProblem.OfHandshake(failure), failure),
                _ => failure,
            };
        }
    }

    private SslClientAuthenticationOptions OptionsFor(string name, Action<string> onProblem) => new()
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

/// <summary>There is no TLS connection to a node.</summary>
/// <param name="reason">Why, in plain words about the handshake or the node.</param>
/// <param name="cause">What it was seen by.</param>
/// <param name="isSlow">Whether it only took too long.</param>
internal sealed class BackendTlsException(string reason, Exception? cause = null, bool isSlow = false) : IOException($"TLS handshake failed: {reason}", cause)
{
    /// <summary>It only took too long.</summary>
    public bool IsSlow { get; } = isSlow;
}
