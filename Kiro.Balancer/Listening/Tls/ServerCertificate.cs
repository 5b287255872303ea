using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>A certificate with its key and chain, ready for handshakes.</summary>
/// <param name="File">Where it was read from.</param>
/// <param name="Names">The DNS names that it is for, in lower case; <c>*.example.com</c> among them.</param>
/// <param name="NotAfter">When it expires.</param>
/// <param name="Context">What handshakes use. It keeps the sessions that clients resume.</param>
internal sealed record ServerCertificate(string File, IReadOnlyList<string> Names, DateTimeOffset NotAfter, SslStreamCertificateContext Context)
{
    /// <summary>Days before it expires from which on that is worth a warning.</summary>
    public const int WarningDays = 14;

    private const string OcspAccess = "1.3.6.1.5.5.7.48.1";

    /// <exception cref="CertificateException">The pair cannot be used.</exception>
    public static ServerCertificate Load(string certificateFile, string keyFile, string? password, DateTimeOffset now)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificateFile);
        if (chain.Count == 0)
        {
            throw new CertificateException($"PEM files with a certificate ({certificateFile} has none)");
        }

        var leaf = chain[0];
        chain.RemoveAt(0);
        if (leaf.NotAfter.ToUniversalTime() < now.UtcDateTime)
        {
            throw new CertificateException($"a certificate that is valid ({certificateFile} expired on {Day(leaf.NotAfter)})");
        }

        if (leaf.NotBefore.ToUniversalTime() > now.UtcDateTime)
        {
            throw new CertificateException($"a certificate that is valid ({certificateFile} is not valid before {Day(leaf.NotBefore)})");
        }

        var withKey = WithKey(leaf, certificateFile, keyFile, password);
        return new ServerCertificate(
            certificateFile,
            NamesOf(leaf),
            new DateTimeOffset(leaf.NotAfter),
            // Online it asks the authority for a signed statement of validity to staple; without an address there is nobody to ask.
            SslStreamCertificateContext.Create(withKey, chain, offline: !NamesOcspResponder(leaf)));
    }

    /// <summary>What it is called by: its first name, or its file when it has none.</summary>
    public string Name => Names.Count > 0 ? Names[0] : Path.GetFileName(File);

    /// <summary>A sentence when it expires soon, or has; else null.</summary>
    public string? ExpiryWarning(DateTimeOffset now) => DaysLeft(now) switch
    {
        >= WarningDays => null,
        < 0 => $"The certificate for {Name} expired on {Day(NotAfter.UtcDateTime)}: clients refuse it.",
        0 => $"The certificate for {Name} expires within a day, on {Day(NotAfter.UtcDateTime)}.",
        var days => $"The certificate for {Name} expires in {days} {(days == 1 ? "day" : "days")}, on {Day(NotAfter.UtcDateTime)}.",
    };

    /// <summary>Whole days until it expires; negative afterwards.</summary>
    public int DaysLeft(DateTimeOffset now) => (int)Math.Floor((NotAfter - now).TotalDays);

    private static X509Certificate2 WithKey(X509Certificate2 leaf, string certificateFile, string keyFile, string? password)
    {
        var key = System.IO.File.ReadAllText(keyFile);
        var isEncrypted = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal);
        if (isEncrypted && password is null)
        {
            throw new CertificateException($"TLS_KEY_PASSWORD beside it, because the key in {keyFile} is encrypted");
        }

        try
        {
            var certificate = leaf.ExportCertificatePem();
            return isEncrypted
                ? X509Certificate2.CreateFromEncryptedPem(certificate, key, password)
                : X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception problem) when (problem is CryptographicException or ArgumentException)
        {
            throw new CertificateException(
                isEncrypted
                    ? $"a key that belongs to the certificate, and its password (from {certificateFile} and {keyFile}: {CertificateFiles.Reason(problem)})"
                    : $"a key that belongs to the certificate (from {certificateFile} and {keyFile}: {CertificateFiles.Reason(problem)})",
                problem);
        }
    }

    private static IReadOnlyList<string> NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames()).ToList();
        // Only old certificates have no such names: then the subject's common name counts (RFC 6125, section 6.4.4).
        if (names.Count == 0 && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } common)
        {
            names.Add(common);
        }

        return [.. names.Select(name => name.ToLowerInvariant()).Distinct()];
    }

    private static bool NamesOcspResponder(X509Certificate2 certificate) => certificate.Extensions
        .OfType<X509AuthorityInformationAccessExtension>().Any(access => access.EnumerateUris(OcspAccess).Any());

    private static string Day(DateTime moment) => moment.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
