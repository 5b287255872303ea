using System.Collections.Frozen;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>A certificate with its key and chain.</summary>
/// <param name="File">The file that it was loaded from.</param>
/// <param name="Names">Its DNS names in lower case, including wildcards.</param>
/// <param name="NotAfter">When it expires.</param>
/// <param name="Context">For handshakes. It caches TLS sessions for resumption.</param>
internal sealed record ServerCertificate(string File, IReadOnlyList<string> Names, DateTimeOffset NotAfter, SslStreamCertificateContext Context)
{
    /// <summary>Days before expiry from which on there is a warning.</summary>
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
            // If the certificate names an OCSP responder, its responses are stapled.
            SslStreamCertificateContext.Create(leaf, chain, offline: !HasOcspResponder(leaf)));
    }

    /// <summary>Its first DNS name, or its file name.</summary>
    public string Name => Names.Count > 0 ? Names[0] : Path.GetFileName(File);

    /// <summary>A warning if it has expired or will soon; otherwise null.</summary>
    public string? ExpiryWarning(DateTimeOffset now) => DaysLeft(now) switch
    {
        >= WarningDays => null,
        < 0 => $"The certificate for {Name} expired on {Day(NotAfter.UtcDateTime)}: clients reject it.",
        0 => $"The certificate for {Name} expires within a day, on {Day(NotAfter.UtcDateTime)}.",
        var days => $"The certificate for {Name} expires in {days} {(days == 1 ? "day" : "days")}, on {Day(NotAfter.UtcDateTime)}.",
    };

    /// <summary>Whole days until it expires; negative if it has.</summary>
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
        // Without a subjectAltName, as in old certificates, the common name counts (RFC 6125, section 6.4.4).
        if (names.Count == 0 && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } common)
        {
            names.Add(common);
        }

        return [.. names.Select(name => name.ToLowerInvariant()).Distinct()];
    }

    private static bool HasOcspResponder(X509Certificate2 certificate) => certificate.Extensions
        .OfType<X509AuthorityInformationAccessExtension>().Any(access => access.EnumerateUris(OcspAccess).Any());

    private static string Day(DateTime moment) => moment.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>An immutable set of certificates, and which one a client gets.</summary>
internal sealed class CertificateSet
{
    private readonly FrozenDictionary<string, ServerCertificate> _byName;

    /// <param name="certificates">At least one. The first is the default, for clients that send no or an unknown server name.</param>
    public CertificateSet(IReadOnlyList<ServerCertificate> certificates)
    {
        All = certificates;
        _byName = certificates
            .SelectMany(certificate => certificate.Names.Select(name => (name, certificate)))
            // Of several certificates for a name, the one that expires last: during a renewal there may be both.
            .GroupBy(pair => pair.name, pair => pair.certificate)
            .ToFrozenDictionary(group => group.Key, group => group.MaxBy(certificate => certificate.NotAfter)!);
    }

    public IReadOnlyList<ServerCertificate> All { get; }

    /// <summary>The certificate for a server name (SNI, RFC 6066, section 3): an exact match, or else a wildcard for the first label
    /// (RFC 6125, section 6.4.3).</summary>
    public ServerCertificate For(string? serverName)
    {
        if (string.IsNullOrEmpty(serverName))
        {
            return All[0];
        }

        var name = ToAscii(serverName.TrimEnd('.'));
        if (_byName.TryGetValue(name, out var exact))
        {
            return exact;
        }

        return name.IndexOf('.') is > 0 and var dot && _byName.TryGetValue("*" + name[dot..], out var wildcard) ? wildcard : All[0];
    }

    // .NET decodes internationalized names; certificates contain A-labels (RFC 5890).
    private static string ToAscii(string name)
    {
        var lower = name.ToLowerInvariant();
        try
        {
            return System.Text.Ascii.IsValid(lower) ? lower : new IdnMapping().GetAscii(lower);
        }
        catch (ArgumentException)
        {
            // Not a valid name.
            return lower;
        }
    }
}
