using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Backends;

/// <summary>A TLS handshake with a backend failed.</summary>
/// <param name="reason">Why, as a clause about the handshake or the backend.</param>
/// <param name="cause">The underlying exception.</param>
/// <param name="isSlow">Whether it timed out.</param>
internal sealed class BackendTlsException(string reason, Exception? cause = null, bool isSlow = false) : IOException($"TLS handshake failed: {reason}", cause)
{
    public bool IsSlow { get; } = isSlow;

    /// <param name="failure">As thrown by the handshake.</param>
    /// <param name="certificateProblem">Why the certificate was not accepted, if that is the reason.</param>
    public static BackendTlsException From(Exception failure, string? certificateProblem) =>
        new(certificateProblem ?? TlsProblem.OfHandshake(failure), failure);

    public static BackendTlsException TimedOut(TimeSpan limit, Exception? failure = null) =>
        new(FormattableString.Invariant($"it timed out after {limit.TotalSeconds:0.#} s"), failure, isSlow: true);
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
