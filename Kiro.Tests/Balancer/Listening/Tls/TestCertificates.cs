using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>A temporary folder with PEM files.</summary>
internal sealed class TestCertificates : IDisposable
{
    public const string Password = "not a secret";

    public TestCertificates() => Folder = Directory.CreateTempSubdirectory("kiro-tls-").FullName;

    public string Folder { get; }

    /// <summary>Writes NAME.crt and NAME.key for host names.</summary>
    /// <returns>The certificate's serial number.</returns>
    public string Write(string name, string[] hosts, int days = 90, int startsIn = -1, bool isEncrypted = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={hosts[0]}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        Array.ForEach(hosts, names.AddDnsName);
        request.CertificateExtensions.Add(names.Build());
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(Math.Min(startsIn, days - 1)), DateTimeOffset.UtcNow.AddDays(days));
        using var certificate = request.CreateSelfSigned(from, until);
        File.WriteAllText(PathOf($"{name}.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf($"{name}.key"), isEncrypted
            ? key.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000))
            : key.ExportPkcs8PrivateKeyPem());
        return certificate.SerialNumber;
    }

    /// <summary>Writes a CA certificate to NAME.crt.</summary>
    /// <returns>A client certificate signed by it.</returns>
    public X509Certificate2 WriteAuthority(string name, string client)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        File.WriteAllText(PathOf($"{name}.crt"), authority.ExportCertificatePem());

        using var clientKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var clientRequest = new CertificateRequest($"CN={client}", clientKey, HashAlgorithmName.SHA256);
        clientRequest.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using var signed = clientRequest.Create(authority, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), [1, 2, 3]);
        return signed.CopyWithPrivateKey(clientKey);
    }

    public string PathOf(string file) => Path.Combine(Folder, file);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
