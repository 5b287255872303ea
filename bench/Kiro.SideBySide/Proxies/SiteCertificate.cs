using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.SideBySide.Proxies;

/// <summary>The P-256 certificate of all proxies.</summary>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">PEM.</param>
/// <param name="Both">PEM with both, for HAProxy.</param>
internal sealed record SiteCertificate(string Certificate, string Key, string Both)
{
    public static SiteCertificate Write(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench.example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("bench.example");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        var (shown, secret) = (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
        var files = new SiteCertificate(Path.Combine(directory, "site.crt"), Path.Combine(directory, "site.key"), Path.Combine(directory, "site.pem"));
        File.WriteAllText(files.Certificate, shown);
        File.WriteAllText(files.Key, secret);
        File.WriteAllText(files.Both, shown + secret);
        return files;
    }
}
