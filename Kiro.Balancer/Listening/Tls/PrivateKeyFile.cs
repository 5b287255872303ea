using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Balancer.Listening.Tls;

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
