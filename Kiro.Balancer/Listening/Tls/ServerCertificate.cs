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
    public static ServerCertificate Load(CertificatePair pair, string? password, DateTimeOffset now)
    {
        var chain = ReadChain(pair.Certificate);
        var leaf = PrivateKeyFile.FindOwner(chain, pair, password);
        if (leaf.NotAfter.ToUniversalTime() < now.UtcDateTime)
        {
            throw new CertificateException($"a certificate that is valid ({pair.Certificate} expired on {Day(leaf.NotAfter)})");
        }

        if (leaf.NotBefore.ToUniversalTime() > now.UtcDateTime)
        {
            throw new CertificateException($"a certificate that is valid ({pair.Certificate} is not valid before {Day(leaf.NotBefore)})");
        }

        return new ServerCertificate(
            pair.Certificate,
            NamesOf(leaf),
            new DateTimeOffset(leaf.NotAfter),
            // Online it asks the authority for a signed statement of validity to staple; without an address there is nobody to ask.
            SslStreamCertificateContext.Create(leaf, chain, offline: !NamesOcspResponder(leaf)));
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

    private static X509Certificate2Collection ReadChain(string file)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPemFile(file);
        }
        catch (CryptographicException problem)
        {
            throw new CertificateException($"PEM files with certificates ({file}: {CertificateFiles.Reason(problem)})", problem);
        }

        return chain.Count > 0 ? chain : throw new CertificateException($"PEM files with a certificate ({file} has none)");
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
