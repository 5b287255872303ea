using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
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
            var name = options.TlsName ?? backend.Host;
            await stream.AuthenticateAsClientAsync(OptionsFor(name, found => problem = found), either.Token);
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
                OperationCanceledException when !cancellationToken.IsCancellationRequested =>
                    new BackendTlsException(FormattableString.Invariant($"it timed out after {limit.TotalSeconds:0.#} s"), failure, isSlow: true),
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

/// <summary>A TLS handshake with a backend failed.</summary>
/// <param name="reason">Why, as a clause about the handshake or the backend.</param>
/// <param name="cause">The underlying exception.</param>
/// <param name="isSlow">Whether it timed out.</param>
internal sealed class BackendTlsException(string reason, Exception? cause = null, bool isSlow = false) : IOException($"TLS handshake failed: {reason}", cause)
{
    public bool IsSlow { get; } = isSlow;
}

/// <summary>Describes why a handshake with a backend failed, for the person who has to fix it.</summary>
internal static class TlsProblem
{
    private const int MaxNames = 3;

    private const X509ChainStatusFlags UnknownIssuer = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    /// <summary>OpenSSL's errors, and their usual cause.</summary>
    private static readonly (string Error, string Cause)[] Handshakes =
    [
        ("wrong version number", NoTls),
        ("packet length too long", NoTls),
        ("Cannot determine the frame size", NoTls),
        ("unexpected EOF", "the connection was closed during the handshake"),
        ("alert protocol version", "it refuses TLS 1.2 and TLS 1.3"),
        ("unsupported protocol", "it refuses TLS 1.2 and TLS 1.3"),
        ("no application protocol", "it does not offer the required protocol (ALPN, BACKEND_PROTOCOL)"),
        ("certificate required", "it requires a client certificate, which the balancer does not have"),
        ("alert bad certificate", "it requires a client certificate, which the balancer does not have"),
        ("alert unrecognized name", "it does not recognize the server name (BACKEND_TLS_NAME)"),
        ("alert handshake failure", "it has no cipher in common with the balancer, or requires a client certificate"),
    ];

    private const string NoTls = "it does not speak TLS on that port";

    /// <returns>Null if the certificate is valid.</returns>
    public static string? OfCertificate(
        X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string name, DateTimeOffset now)
    {
        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "it sent no certificate";
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
            return $"its certificate was issued by an unknown CA, {certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true)} (BACKEND_CA)";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"its certificate is for {Names(certificate)}, not for {name} (BACKEND_TLS_NAME)";
        }

        return $"its certificate cannot be trusted: {(status.Length > 0 ? status[0].StatusInformation.ReplaceLineEndings(" ").TrimEnd('.', ' ') : errors.ToString())}";
    }

    /// <summary>For a handshake that failed before the certificate was verified, or was rejected by the backend.</summary>
    public static string OfHandshake(Exception failure) =>
        Known(failure) ?? failure.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd('.');

    /// <summary>For a connection lost later: with TLS 1.3, a backend can reject the handshake after the balancer has completed it.</summary>
    /// <returns>Null if TLS is not the cause.</returns>
    public static string? Known(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            foreach (var (error, meaning) in Handshakes)
            {
                if (cause.Message.Contains(error, StringComparison.OrdinalIgnoreCase))
                {
                    return meaning;
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

/// <summary>A failed connection attempt, and whose fault it is.</summary>
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
                return new ConnectError(tls.Message, tls.IsSlow ? ConnectFault.Timeout : ConnectFault.Node);
            }

            if (cause is ClosedWhileIdleException closed)
            {
                return new ConnectError(closed.Message, ConnectFault.None);
            }

            if (cause is TimeoutException)
            {
                return new ConnectError("connection timed out", ConnectFault.Timeout);
            }
        }

        return new ConnectError(failure.Message, ConnectFault.Node);
    }

    private static ConnectError From(SocketException socket) => socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new("connection refused", ConnectFault.Node),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => new("host unreachable", ConnectFault.Node),
        SocketError.TimedOut => new("connection timed out", ConnectFault.Timeout),
        SocketError.HostNotFound or SocketError.NoData => new("name not found", ConnectFault.Node),
        SocketError.TryAgain => new("no name server responds", ConnectFault.NameServer),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable =>
            new($"the balancer itself has no sockets or ports left ({socket.Message})", ConnectFault.Balancer),
        _ => new(socket.Message, ConnectFault.Node),
    };
}

/// <summary>Whose fault a failed connection attempt is.</summary>
internal enum ConnectFault
{
    /// <summary>The connection was refused, or the TLS handshake failed.</summary>
    Node,

    /// <summary>Not accepted in time: the backend is gone, or its listen queue is full.</summary>
    Timeout,

    /// <summary>The name could not be resolved at the moment; the backend may be fine.</summary>
    NameServer,

    /// <summary>No connection is available at the moment, or not this way; the backend may be fine.</summary>
    None,

    /// <summary>This process has no sockets or ports left.</summary>
    Balancer,
}

/// <summary>An idle connection was closed just as a request was about to use it: nothing of the request was sent.</summary>
internal sealed class ClosedWhileIdleException() : IOException("the connection was closed while it was idle");
