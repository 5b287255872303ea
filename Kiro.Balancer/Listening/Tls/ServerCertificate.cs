using System.Collections.Frozen;
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

/// <summary>A PEM file with a private key: PKCS#8 (RFC 5958), encrypted or not, PKCS#1 or SEC 1.</summary>
internal static class PrivateKeyFile
{
    // RFC 3279, section 2.3.
    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string EllipticCurve = "1.2.840.10045.2.1";

    /// <summary>Finds the certificate that a key belongs to. Usually that is the first; a chain may stand in any order.</summary>
    /// <param name="chain">The certificates of the file; the one that is found is taken out.</param>
    /// <param name="pair">The files, for what is said of them.</param>
    /// <param name="password">Of an encrypted key.</param>
    /// <returns>The certificate, with the key.</returns>
    /// <exception cref="CertificateException">The key belongs to none, or cannot be read.</exception>
    public static X509Certificate2 FindOwner(X509Certificate2Collection chain, CertificatePair pair, string? password)
    {
        var key = File.ReadAllText(pair.KeyFile);
        if (!key.Contains(CertificatePair.KeyLabel, StringComparison.Ordinal))
        {
            throw new CertificateException(pair.Key is null
                ? $"a key for {pair.Certificate}: in a file beside it that ends in .key, or in the same file" : $"PEM files with a private key ({pair.KeyFile} has none)");
        }

        var isEncrypted = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal);
        if (isEncrypted && password is null)
        {
            throw new CertificateException($"TLS_KEY_PASSWORD beside it, because the key in {pair.KeyFile} is encrypted");
        }

        if (key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CertificateException(
                $"a key in PKCS#8, because {pair.KeyFile} is encrypted as OpenSSL did before: openssl pkcs8 -topk8 -in {pair.KeyFile} writes it anew");
        }

        if (chain.All(certificate => certificate.PublicKey.Oid.Value is not (Rsa or EllipticCurve)))
        {
            throw new CertificateException($"a certificate for a key of RSA or ECDSA ({pair.Certificate} is for {chain[0].PublicKey.Oid.FriendlyName ?? chain[0].PublicKey.Oid.Value})");
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
            $"a key that belongs to the certificate{(isEncrypted ? ", and its password" : "")} (from {Files(pair)}: {CertificateFiles.Reason(first!)})", first);
    }

    private static X509Certificate2 Join(X509Certificate2 certificate, string key, string? password)
    {
        var text = certificate.ExportCertificatePem();
        return password is not null ? X509Certificate2.CreateFromEncryptedPem(text, key, password) : X509Certificate2.CreateFromPem(text, key);
    }

    private static string Files(CertificatePair pair) => pair.Key is null || pair.Key == pair.Certificate ? pair.Certificate : $"{pair.Certificate} and {pair.Key}";
}

/// <summary>All certificates of one moment, and which of them a client gets. Never changed, only replaced.</summary>
internal sealed class CertificateSet
{
    private readonly FrozenDictionary<string, ServerCertificate> _byName;

    /// <param name="certificates">At least one; the first is for clients that name no server, or one that nobody has.</param>
    public CertificateSet(IReadOnlyList<ServerCertificate> certificates)
    {
        All = certificates;
        _byName = certificates
            .SelectMany(certificate => certificate.Names.Select(name => (name, certificate)))
            // Of two for the same name the one that is valid for longer: during a renewal both may lie there.
            .GroupBy(pair => pair.name, pair => pair.certificate)
            .ToFrozenDictionary(group => group.Key, group => group.MaxBy(certificate => certificate.NotAfter)!);
    }

    public IReadOnlyList<ServerCertificate> All { get; }

    /// <summary>The certificate for a server's name (SNI, RFC 6066, section 3): the exact name first, then a wildcard for its
    /// first label (RFC 6125, section 6.4.3).</summary>
    public ServerCertificate For(string? serverName)
    {
        if (string.IsNullOrEmpty(serverName))
        {
            return All[0];
        }

        var name = InAscii(serverName.TrimEnd('.'));
        if (_byName.TryGetValue(name, out var exact))
        {
            return exact;
        }

        return name.IndexOf('.') is > 0 and var dot && _byName.TryGetValue("*" + name[dot..], out var wildcard) ? wildcard : All[0];
    }

    // The framework shows names of other scripts as people write them; in certificates they stand as they are sent (RFC 5890).
    private static string InAscii(string name)
    {
        var lower = name.ToLowerInvariant();
        try
        {
            return System.Text.Ascii.IsValid(lower) ? lower : new IdnMapping().GetAscii(lower);
        }
        catch (ArgumentException)
        {
            // No name that anybody could have.
            return lower;
        }
    }
}
