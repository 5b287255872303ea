using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>Keys and chains in the formats of common tools.</summary>
public sealed class PrivateKeyFileTests : IDisposable
{
    private const string Ed25519 = """
        -----BEGIN CERTIFICATE-----
        MIIBVjCCAQigAwIBAgIUOtdunAeF7uD9wtrVg5fci7sGxaEwBQYDK2VwMBUxEzAR
        BgNVBAMMCmVkLmV4YW1wbGUwHhcNMjYxMTI2MDgzNjMzWhcNMjYxMjI2MDgzNjMz
        WjAVMRMwEQYDVQQDDAplZC5leGFtcGxlMCowBQYDK2VwAyEAMtK23LkxG9JFLMdz
        d+xOKQjagmz2KP/XtR6cbnxcFZSjajBoMB0GA1UdDgQWBBQtWTUhzrxWg8gNn2Vn
        fT6NIXpSSTAfBgNVHSMEGDAWgBQtWTUhzrxWg8gNn2VnfT6NIXpSSTAPBgNVHRMB
        Af8EBTADAQH/MBUGA1UdEQQOMAyCCmVkLmV4YW1wbGUwBQYDK2VwA0EAJBuo1wFI
        EY5BuNgH5oyAye4xQxmbAeZKpuc1xPm3ZQod8CON7akFaECjYTUcx9ugZb8KVanK
        oCstcJNkrM7ZCg==
        -----END CERTIFICATE-----
        """;

    private readonly TestCertificates _files = new();

    [Theory]
    [InlineData("leaf first")]
    [InlineData("leaf last")]
    public void Load_ChainInAnyOrder_IsThatOfTheKey(string order)
    {
        using var authority = new TestAuthority();
        using var leaf = authority.Issue(["a.example"]);
        var (first, second) = (leaf.ExportCertificatePem(), File.ReadAllText(authority.File));
        File.WriteAllText(_files.PathOf("a.crt"), order == "leaf first" ? $"{first}\n{second}" : $"{second}\n{first}");
        File.WriteAllText(_files.PathOf("a.key"), leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());

        var loaded = Load();

        Assert.Equal(["a.example"], loaded.Names);
        Assert.Equal(leaf.Thumbprint, loaded.Context.TargetCertificate.Thumbprint);
    }

    [Fact]
    public void Load_EcKeyBehindItsParameters_IsTaken()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Write(new CertificateRequest("CN=a.example", key, HashAlgorithmName.SHA384));
        // As openssl writes a new key.
        File.WriteAllText(_files.PathOf("a.key"), $"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n{key.ExportECPrivateKeyPem()}\n");

        Assert.Equal(["a.example"], Load().Names);
    }

    [Theory]
    [InlineData("PKCS#1")]
    [InlineData("PKCS#8")]
    [InlineData("PKCS#8 encrypted")]
    public void Load_RsaKey_IsTaken(string form)
    {
        using var key = RSA.Create(2048);
        Write(new CertificateRequest("CN=a.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        File.WriteAllText(_files.PathOf("a.key"), form switch
        {
            "PKCS#1" => key.ExportRSAPrivateKeyPem(),
            "PKCS#8" => key.ExportPkcs8PrivateKeyPem(),
            _ => key.ExportEncryptedPkcs8PrivateKeyPem(TestCertificates.Password, new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)),
        });

        Assert.Equal(["a.example"], Load(form.EndsWith("encrypted", StringComparison.Ordinal) ? TestCertificates.Password : null).Names);
    }

    [Fact]
    public void Load_KeyEncryptedAsBefore_SaysHowToWriteItAnew()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("a.key"), "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n");
        var file = _files.PathOf("a.key");

        Assert.Equal(
            $"a key in PKCS#8, because {file} is encrypted in OpenSSL's legacy format: convert it with openssl pkcs8 -topk8 -in {file}",
            Assert.Throws<CertificateException>(() => Load(TestCertificates.Password)).Message);
    }

    [Fact]
    public void Load_FileWithoutKey_NamesIt()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("a.key"), "nothing");

        Assert.Equal($"PEM files with a private key ({_files.PathOf("a.key")} has none)", Assert.Throws<CertificateException>(() => Load()).Message);
    }

    [Fact]
    public void Load_CertificateThatIsCutOff_NamesTheFile()
    {
        _files.Write("a", ["a.example"]);
        File.WriteAllText(_files.PathOf("a.crt"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");

        Assert.StartsWith($"PEM files with certificates ({_files.PathOf("a.crt")}: ", Assert.Throws<CertificateException>(() => Load()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OtherKindOfKey_SaysWhichThereAre()
    {
        // Ed25519, made with openssl req -x509.
        File.WriteAllText(_files.PathOf("a.crt"), Ed25519);
        _files.Write("b", ["b.example"]);
        File.Move(_files.PathOf("b.key"), _files.PathOf("a.key"));

        Assert.StartsWith($"a certificate with an RSA or ECDSA key ({_files.PathOf("a.crt")} is for ", Assert.Throws<CertificateException>(() => Load()).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private void Write(CertificateRequest request)
    {
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(_files.PathOf("a.crt"), certificate.ExportCertificatePem());
    }

    private ServerCertificate Load(string? password = null) =>
        new CertificateFiles("TLS_CERTIFICATE", _files.PathOf("a.crt"), _files.PathOf("a.key"), password).Load(DateTimeOffset.UtcNow).All[0];
}
