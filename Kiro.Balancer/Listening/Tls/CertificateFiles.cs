using System.IO.Hashing;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;
using IoPath = System.IO.Path;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>A PEM certificate with its key, or a folder of such pairs.</summary>
/// <param name="Variable">The variable that names the path.</param>
/// <param name="Path"><c>TLS_CERTIFICATE</c>, a file with the leaf certificate and its chain, or <c>TLS_CERTIFICATES</c>, a folder.</param>
/// <param name="Key"><c>TLS_KEY</c>; if unset, the key is in the certificate's file. Null for a folder.</param>
/// <param name="Password"><c>TLS_KEY_PASSWORD</c>, for encrypted keys.</param>
internal sealed record CertificateFiles(string Variable, string Path, string? Key, string? Password)
{
    private const string CertificateVariable = "TLS_CERTIFICATE";
    private const string FolderVariable = "TLS_CERTIFICATES";

    /// <summary>Maximum number of pairs in a folder; more are a mistake.</summary>
    public const int MaxPairs = 1000;

    /// <param name="settings">The settings.</param>
    /// <param name="inForce">The current ones; null at the start. If the names have not changed, the files are not read here: the store judges new
    /// content, which must not block the reload of other settings.</param>
    public static CertificateFiles? Read(SettingsReader settings, CertificateFiles? inForce)
    {
        var (certificate, folder, key) = (settings.Text(CertificateVariable), settings.Text(FolderVariable), settings.Text("TLS_KEY"));
        if (certificate is not null && folder is not null)
        {
            settings.Reject(FolderVariable, folder, $"nothing, because {CertificateVariable} is set: use one of the two");
        }

        if (certificate is null && key is not null)
        {
            settings.Reject("TLS_KEY", key, $"{CertificateVariable} beside it");
        }

        var password = settings.Secret("TLS_KEY_PASSWORD");
        var files = certificate is not null ? new CertificateFiles(CertificateVariable, certificate, key ?? certificate, password)
            : folder is not null ? new CertificateFiles(FolderVariable, folder, null, password)
            : null;
        if (files is null && password is not null)
        {
            settings.Warn("TLS_KEY_PASSWORD is not used: no certificate is set.");
        }

        if (files is not null && files != inForce)
        {
            try
            {
                // Reports unusable files together with other bad settings; they are loaded again when they are needed.
                files.Load(DateTimeOffset.UtcNow);
            }
            catch (CertificateException problem)
            {
                settings.Reject(files.Variable, files.Path, problem.Message);
            }
        }

        return files;
    }

    /// <param name="now">The current time: expired certificates are refused.</param>
    /// <exception cref="CertificateException">A certificate cannot be used. The message completes "expected".</exception>
    public CertificateSet Load(DateTimeOffset now)
    {
        if (IsWrongKind())
        {
            throw new CertificateException(Key is null ? $"a folder ({Path} is a file: {CertificateVariable} takes it)" : $"a file ({Path} is a folder: {FolderVariable} takes it)");
        }

        try
        {
            var pairs = Pairs().Where(pair => !pair.IsStray()).ToList();
            if (pairs.Count == 0)
            {
                throw new CertificateException("a folder with pairs such as example.crt and example.key, or example.com/fullchain.pem and privkey.pem");
            }

            if (pairs.Count > MaxPairs)
            {
                throw new CertificateException($"a folder with at most {MaxPairs} pairs (it has {pairs.Count})");
            }

            return new CertificateSet([.. pairs.Select(pair => ServerCertificate.Load(pair, Password, now))]);
        }
        catch (Exception problem) when (IsExpected(problem))
        {
            throw new CertificateException($"readable files ({Reason(problem)})", problem);
        }
    }

    /// <summary>A hash of the content of all files. Symbolic links are followed.</summary>
    /// <returns>0 if a file cannot be read.</returns>
    public ulong Fingerprint()
    {
        try
        {
            var hash = new XxHash3();
            foreach (var pair in Pairs())
            {
                hash.Append(System.Text.Encoding.UTF8.GetBytes(pair.Certificate));
                hash.Append(File.ReadAllBytes(pair.Certificate));
                hash.Append(File.ReadAllBytes(pair.KeyFile));
            }

            return hash.GetCurrentHashAsUInt64();
        }
        catch (Exception problem) when (IsExpected(problem))
        {
            return 0;
        }
    }

    /// <summary>Whether an exception is to be expected from files written by others.</summary>
    public static bool IsExpected(Exception problem) =>
        problem is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or System.Security.SecurityException;

    /// <summary>The message of an exception, in one line.</summary>
    public static string Reason(Exception problem)
    {
        var text = problem.Message.ReplaceLineEndings(" ");
        // The parameter name is meaningless to a user.
        return (text.IndexOf(" (Parameter '", StringComparison.Ordinal) is >= 0 and var end ? text[..end] : text).TrimEnd('.');
    }

    private bool IsWrongKind() => Key is null ? File.Exists(Path) : Directory.Exists(Path);

    private List<CertificatePair> Pairs() => Key is not null ? [new CertificatePair(Path, Key)] : [.. CertificateFolder.PairsIn(Path)];
}

/// <summary>A certificate that cannot be used. The message says what was expected and what was found.</summary>
internal sealed class CertificateException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Pairs certificates and keys in a folder by the file names of certbot, Kubernetes, mkcert and common practice.</summary>
internal static class CertificateFolder
{
    private static readonly string[] Extensions = [".crt", ".pem", ".cer"];
    private static readonly (string Certificate, string Key)[] WellKnown = [("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key")];

    /// <summary>All pairs in order of their names, including files without a key file.</summary>
    /// <exception cref="IOException">The folder does not exist.</exception>
    public static IEnumerable<CertificatePair> PairsIn(string folder) =>
        Files(folder).Concat(Folders(folder)).OrderBy(pair => pair.Certificate, StringComparer.Ordinal);

    private static IEnumerable<CertificatePair> Files(string folder)
    {
        var wellKnown = WellKnownIn(folder);
        // certbot also keeps the certificate without its chain.
        var alone = new CertificatePair(IoPath.Combine(folder, "cert.pem"), null);
        return Directory.EnumerateFiles(folder)
            .Where(file => Extensions.Contains(IoPath.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !IsHidden(file))
            .Select(file => file == wellKnown?.Certificate ? wellKnown : new CertificatePair(file, FindKey(file)))
            .Where(pair => wellKnown is null || pair != alone);
    }

    // Kubernetes mounts secrets with the files in a hidden folder as well.
    private static IEnumerable<CertificatePair> Folders(string folder) => Directory.EnumerateDirectories(folder)
        .Where(inner => !IsHidden(inner)).Select(WellKnownIn).OfType<CertificatePair>();

    // Left behind by editors and copying tools.
    private static bool IsHidden(string path) => IoPath.GetFileName(path).StartsWith('.');

    private static CertificatePair? WellKnownIn(string folder) => WellKnown
        .Select(names => new CertificatePair(IoPath.Combine(folder, names.Certificate), IoPath.Combine(folder, names.Key)))
        .FirstOrDefault(pair => File.Exists(pair.Certificate));

    private static string? FindKey(string file)
    {
        var bare = IoPath.ChangeExtension(file, null);
        return File.Exists($"{bare}.key") ? $"{bare}.key" : File.Exists($"{bare}-key.pem") ? $"{bare}-key.pem" : null;
    }
}

/// <summary>The files of a certificate and its key.</summary>
/// <param name="Certificate">The certificate with its chain.</param>
/// <param name="Key">The key; null if it has no file of its own.</param>
internal sealed record CertificatePair(string Certificate, string? Key)
{
    /// <summary>The end of all PEM labels of private keys (RFC 7468).</summary>
    public const string KeyLabel = "PRIVATE KEY-----";

    public string KeyFile => Key ?? Certificate;

    /// <summary>Whether the file is not a server certificate but a key, parameters, or CA certificates. A server certificate that lacks its key is
    /// not stray.</summary>
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
