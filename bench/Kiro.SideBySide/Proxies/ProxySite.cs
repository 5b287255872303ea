using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.SideBySide.Proxies;

/// <summary>The environment of a proxy.</summary>
/// <param name="Port">Its port on 127.0.0.1.</param>
/// <param name="Backends">The ports of the nodes.</param>
/// <param name="Directory">The folder for its configuration and working files.</param>
/// <param name="Clients">How clients are identified.</param>
/// <param name="Workers">The number of cores, workers or threads.</param>
internal sealed record ProxySite(int Port, IReadOnlyList<int> Backends, string Directory, ClientIdentity Clients, int Workers)
{
    /// <summary>Its TLS certificate; null for plain HTTP/1.1.</summary>
    public SiteCertificate? Tls { get; init; }

    /// <summary>The certificate of the nodes, which is its own authority; null without TLS to them.</summary>
    public SiteCertificate? NodeTls { get; init; }

    /// <summary>Whether the load is gRPC, with HTTP/2 to the nodes.</summary>
    public bool IsGrpc { get; init; }

    /// <summary>A line of configuration for each node.</summary>
    public string ForEachBackend(Func<int, string> line) => string.Join('\n', Backends.Select(line));

    /// <returns>The file's path.</returns>
    public string Write(string name, string content)
    {
        var file = Path.Combine(Directory, name);
        File.WriteAllText(file, content + "\n");
        return file;
    }
}

/// <summary>How a proxy identifies clients.</summary>
internal enum ClientIdentity
{
    /// <summary>By source address.</summary>
    SourceAddress,

    /// <summary>By X-Forwarded-For from a trusted peer.</summary>
    ForwardedFor,
}

/// <summary>The P-256 certificate of all proxies.</summary>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">PEM.</param>
/// <param name="Both">PEM with both, for HAProxy.</param>
internal sealed record SiteCertificate(string Certificate, string Key, string Both)
{
    /// <summary>The name in it.</summary>
    public const string Host = "bench.example";

    public static SiteCertificate Write(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
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
