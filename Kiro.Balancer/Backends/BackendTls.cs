using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
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

/// <summary>Why a handshake with a node failed, in the words of whoever has to mend it.</summary>
internal static class TlsProblem
{
    private const int MaxNames = 3;

    private const X509ChainStatusFlags UnknownIssuer = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    /// <summary>What OpenSSL says, and what it comes from.</summary>
    private static readonly (string Said, string Meant)[] Handshakes =
    [
        ("wrong version number", NoTls),
        ("packet length too long", NoTls),
        ("Cannot determine the frame size", NoTls),
        ("unexpected EOF", "the connection was closed in the middle of it"),
        ("alert protocol version", "it refuses TLS 1.2 and TLS 1.3"),
        ("unsupported protocol", "it refuses TLS 1.2 and TLS 1.3"),
        ("no application protocol", "it does not offer the protocol that it is to speak (ALPN, BACKEND_PROTOCOL)"),
        ("certificate required", "it wants a certificate of the balancer, which has none"),
        ("alert bad certificate", "it wants a certificate of the balancer, which has none"),
        ("alert unrecognized name", "it does not know the name that it was called by (BACKEND_TLS_NAME)"),
        ("alert handshake failure", "it has no cipher in common with the balancer, or wants a certificate"),
    ];

    private const string NoTls = "it does not speak TLS there";

    /// <returns>Null when nothing is wrong with the node's certificate.</returns>
    public static string? OfCertificate(
        X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string name, DateTimeOffset now)
    {
        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "it shows no certificate";
        }

        if (certificate.NotAfter.ToUniversalTime() < now.UtcDateTime)
        {
            return $"its certificate expired on {Day(certificate.NotAfter)}";
        }

        if (certificate.NotBefore.ToUniversalTime() > now.UtcDateTime)
        {
            return $"its certificate is not valid before {Day(certificate.NotBefore)}";
        }

        var status = chain?.ChainStatus ?? [];
        if (Array.Exists(status, one => (one.Status & UnknownIssuer) != 0))
        {
            return $"its certificate comes from an unknown issuer, {certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true)} (BACKEND_CA)";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"its certificate is for {Names(certificate)}, not for {name} (BACKEND_TLS_NAME)";
        }

        return $"its certificate cannot be trusted: {(status.Length > 0 ? status[0].StatusInformation.ReplaceLineEndings(" ").TrimEnd('.', ' ') : errors.ToString())}";
    }

    /// <summary>What ended a handshake that did not get as far as the certificate, or was ended by the node.</summary>
    public static string OfHandshake(Exception failure) =>
        Known(failure) ?? failure.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd('.');

    /// <summary>The same for a connection that was lost afterwards: in TLS 1.3 a node may refuse when the balancer is done.</summary>
    /// <returns>Null when that is no matter of TLS.</returns>
    public static string? Known(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            foreach (var (said, meant) in Handshakes)
            {
                if (cause.Message.Contains(said, StringComparison.OrdinalIgnoreCase))
                {
                    return meant;
                }
            }
        }

        return null;
    }

    private static string Names(X509Certificate2 certificate)
    {
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().ToList();
        string[] names = [.. alternatives.SelectMany(names => names.EnumerateDnsNames()),
            .. alternatives.SelectMany(names => names.EnumerateIPAddresses()).Select(address => address.ToString())];
        return names.Length == 0 ? "no host at all"
            : string.Join(", ", names.Take(MaxNames)) + (names.Length > MaxNames ? $" and {names.Length - MaxNames} more" : "");
    }

    private static string Day(DateTime moment) => moment.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>What a failed attempt to connect says, and about whom.</summary>
internal readonly record struct ConnectError(string Problem, ConnectFault Fault)
{
    public static ConnectError From(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
            {
                return From(socket);
            }

            if (cause is BackendTlsException tls)
            {
                return new ConnectError(tls.Message, tls.IsSlow ? ConnectFault.Unaccepted : ConnectFault.Node);
            }

            if (cause is ClosedWhileIdleException closed)
            {
                return new ConnectError(closed.Message, ConnectFault.Nobody);
            }

            if (cause is TimeoutException)
            {
                return new ConnectError("connection timed out", ConnectFault.Unaccepted);
            }
        }

        return new ConnectError(failure.Message, ConnectFault.Node);
    }

    private static ConnectError From(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new("connection refused", ConnectFault.Node),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => new("host unreachable", ConnectFault.Node),
        SocketError.TimedOut => new("connection timed out", ConnectFault.Unaccepted),
        SocketError.HostNotFound or SocketError.NoData => new("name not found", ConnectFault.Node),
        SocketError.TryAgain => new("no name server responds", ConnectFault.NameServer),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable =>
            new($"the balancer itself is short of connections ({socket.Message})", ConnectFault.Balancer),
        _ => new(socket.Message, ConnectFault.Node),
    };
}

/// <summary>Whose fault it is that there is no connection.</summary>
internal enum ConnectFault
{
    /// <summary>Nobody listens there, or nobody who can be trusted.</summary>
    Node,

    /// <summary>Nobody accepts: the node is gone, or its listen queue is full.</summary>
    Unaccepted,

    /// <summary>The name could not be looked up just now; the node may be well.</summary>
    NameServer,

    /// <summary>There is none just now, or not in this way; the node may be well, and another one may be reached.</summary>
    Nobody,

    /// <summary>This process has no sockets or ports left; that says nothing about any node.</summary>
    Balancer,
}

/// <summary>A kept connection was given up at the very moment when a request was to go over it: nothing of that was sent.</summary>
internal sealed class ClosedWhileIdleException() : IOException("the connection was closed while it was idle");
