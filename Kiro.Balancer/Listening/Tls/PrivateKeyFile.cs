using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Listening.Tls;

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
