using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Backends;

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
