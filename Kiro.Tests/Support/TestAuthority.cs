using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Tests.Support;

/// <summary>A certificate authority that issues certificates for nodes.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-authority-");
    private byte _serial;

    public TestAuthority(string name = "Test Authority")
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-400), DateTimeOffset.UtcNow.AddDays(400));
        File = Path.Combine(_folder.FullName, "ca.pem");
        System.IO.File.WriteAllText(File, _certificate.ExportCertificatePem());
    }

    /// <summary>The PEM file of its certificate.</summary>
    public string File { get; }

    /// <summary>Issues a certificate for host names and IP addresses.</summary>
    public X509Certificate2 Issue(string[] names, int days = 30, int startsIn = -1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(Math.Min(startsIn, days - 1)), DateTimeOffset.UtcNow.AddDays(days));
        using var signed = request.Create(_certificate, from, until, [1, ++_serial]);
        using var withKey = signed.CopyWithPrivateKey(key);
        // Windows cannot use the ephemeral key of CopyWithPrivateKey for TLS.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
        _folder.Delete(recursive: true);
    }
}
