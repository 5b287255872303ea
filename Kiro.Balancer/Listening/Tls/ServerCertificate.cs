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

/// <summary>A PEM private key: PKCS#8 (RFC 5958), encrypted or not, PKCS#1 or SEC 1.</summary>
internal static class PrivateKeyFile
{
    // RFC 3279, section 2.3.
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string EllipticCurve = "1.2.840.10045.2.1";

    /// <summary>Finds the certificate that a key belongs to: usually the first, but chains come in any order.</summary>
    /// <param name="chain">The certificates of the file; the one found is removed.</param>
    /// <param name="pair">The files, for error messages.</param>
    /// <param name="password">For an encrypted key.</param>
    /// <returns>The certificate with its key.</returns>
    /// <exception cref="CertificateException">The key does not belong to any certificate, or cannot be read.</exception>
    public static X509Certificate2 FindOwner(X509Certificate2Collection chain, CertificatePair pair, string? password)
    {
        var key = File.ReadAllText(pair.KeyFile);
        if (!key.Contains(CertificatePair.KeyLabel, StringComparison.Ordinal))
        {
            throw new CertificateException(pair.Key is null
                ? $"a private key for {pair.Certificate}, in a .key file beside it or in the same file" : $"PEM files with a private key ({pair.KeyFile} has none)");
        }

        var isEncrypted = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal);
        if (isEncrypted && password is null)
        {
            throw new CertificateException($"TLS_KEY_PASSWORD beside it, because the key in {pair.KeyFile} is encrypted");
        }

        if (key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CertificateException(
                $"a key in PKCS#8, because {pair.KeyFile} is encrypted in OpenSSL's legacy format: convert it with openssl pkcs8 -topk8 -in {pair.KeyFile}");
        }

        if (chain.All(certificate => certificate.PublicKey.Oid.Value is not (Rsa or EllipticCurve)))
        {
            throw new CertificateException($"a certificate with an RSA or ECDSA key ({pair.Certificate} is for {chain[0].PublicKey.Oid.FriendlyName ?? chain[0].PublicKey.Oid.Value})");
        }

        Exception? first = null;
        foreach (var certificate in chain)
        {
            try
            {
                var owner = Join(certificate, key, isEncrypted ? password : null);
                chain.Remove(certificate);
                return owner;
            }
            catch (Exception problem) when (problem is CryptographicException or ArgumentException)
            {
                first ??= problem;
            }
        }

        throw new CertificateException(
            $"the private key of the certificate{(isEncrypted ? ", and its password" : "")} (from {Files(pair)}: {CertificateFiles.Reason(first!)})", first);
    }

    private static X509Certificate2 Join(X509Certificate2 certificate, string key, string? password)
    {
        var text = certificate.ExportCertificatePem();
        return password is not null ? X509Certificate2.CreateFromEncryptedPem(text, key, password) : X509Certificate2.CreateFromPem(text, key);
    }

    private static string Files(CertificatePair pair) => pair.Key is null || pair.Key == pair.Certificate ? pair.Certificate : $"{pair.Certificate} and {pair.Key}";
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
