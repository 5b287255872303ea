using System.Security.Cryptography.X509Certificates;
using IoPath = System.IO.Path;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>Which files of a folder belong together: by the names that certbot, Kubernetes, mkcert and people give them.</summary>
internal static class CertificateFolder
{
    private static readonly string[] Extensions = [".crt", ".pem", ".cer"];
    private static readonly (string Certificate, string Key)[] WellKnown = [("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key")];

    /// <summary>All pairs, by name; among them files that have no key beside them.</summary>
    /// <exception cref="IOException">The folder is not there.</exception>
    public static IEnumerable<CertificatePair> PairsIn(string folder) =>
        Files(folder).Concat(Folders(folder)).OrderBy(pair => pair.Certificate, StringComparer.Ordinal);

    private static IEnumerable<CertificatePair> Files(string folder)
    {
        var wellKnown = WellKnownIn(folder);
        // Beside the certificate with its chain certbot keeps the certificate alone.
        var alone = new CertificatePair(IoPath.Combine(folder, "cert.pem"), null);
        return Directory.EnumerateFiles(folder)
            .Where(file => Extensions.Contains(IoPath.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !IsHidden(file))
            .Select(file => file == wellKnown?.Certificate ? wellKnown : new CertificatePair(file, KeyBeside(file)))
            .Where(pair => wellKnown is null || pair != alone);
    }

    // As Kubernetes mounts secrets, the same files stand in a hidden folder as well.
    private static IEnumerable<CertificatePair> Folders(string folder) => Directory.EnumerateDirectories(folder)
        .Where(inner => !IsHidden(inner)).Select(WellKnownIn).OfType<CertificatePair>();

    // Editors, and systems that copy, leave such files beside others.
    private static bool IsHidden(string path) => IoPath.GetFileName(path).StartsWith('.');

    private static CertificatePair? WellKnownIn(string folder) => WellKnown
        .Select(names => new CertificatePair(IoPath.Combine(folder, names.Certificate), IoPath.Combine(folder, names.Key)))
        .FirstOrDefault(pair => File.Exists(pair.Certificate));

    private static string? KeyBeside(string file)
    {
        var bare = IoPath.ChangeExtension(file, null);
        return File.Exists($"{bare}.key") ? $"{bare}.key" : File.Exists($"{bare}-key.pem") ? $"{bare}-key.pem" : null;
    }
}

/// <summary>A certificate's file and its key's.</summary>
/// <param name="Certificate">With the chain.</param>
/// <param name="Key">Null when there is no file for it: then it is in the same one.</param>
internal sealed record CertificatePair(string Certificate, string? Key)
{
    /// <summary>How every label of a private key ends (RFC 7468).</summary>
    public const string KeyLabel = "PRIVATE KEY-----";

    public string KeyFile => Key ?? Certificate;

    /// <summary>Whether this is no server's certificate but something else that lies there: a key alone, parameters, the
    /// certificates of authorities. A server's without its key is none of these.</summary>
    public bool IsStray()
    {
        if (Key is not null)
        {
            return false;
        }

        var text = File.ReadAllText(Certificate);
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(text);
        return certificates.Count == 0 || (!text.Contains(KeyLabel, StringComparison.Ordinal) && certificates.All(IsAuthority));
    }

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority);
}
