using System.IO.Hashing;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;
using IoPath = System.IO.Path;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>One pair of PEM files, or a folder of them.</summary>
/// <param name="Variable">The variable that names them.</param>
/// <param name="Path"><c>TLS_CERTIFICATE</c>, the leaf first and then its chain, or <c>TLS_CERTIFICATES</c>, a folder.</param>
/// <param name="Key"><c>TLS_KEY</c>; unset, the key is in the certificate's file. For a folder null.</param>
/// <param name="Password"><c>TLS_KEY_PASSWORD</c>, for encrypted keys.</param>
internal sealed record CertificateFiles(string Variable, string Path, string? Key, string? Password)
{
    private const string CertificateVariable = "TLS_CERTIFICATE";
    private const string FolderVariable = "TLS_CERTIFICATES";

    /// <summary>More pairs than this in a folder are a mistake.</summary>
    public const int MaxPairs = 1000;

    /// <param name="settings">Where they are named.</param>
    /// <param name="inForce">As they were named before; null at the start. Those of the same names are not looked at here: what
    /// came to lie there meanwhile is the store's to judge, and must not keep other settings from being taken.</param>
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
                // What cannot be used is told at the start, with the other settings; it is loaded again when it is needed.
                files.Load(DateTimeOffset.UtcNow);
            }
            catch (CertificateException problem)
            {
                settings.Reject(files.Variable, files.Path, problem.Message);
            }
        }

        return files;
    }

    /// <summary>Reads all certificates.</summary>
    /// <param name="now">What has expired by then is refused.</param>
    /// <exception cref="CertificateException">One that cannot be used, in words that follow "expected".</exception>
    public CertificateSet Load(DateTimeOffset now)
    {
        if (IsOther())
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
            throw new CertificateException($"files that can be read ({Reason(problem)})", problem);
        }
    }

    /// <summary>Changes whenever the content of any of the files does; links are followed.</summary>
    /// <returns>0 while they cannot be read.</returns>
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

    /// <summary>What a file that somebody else writes can do to us.</summary>
    public static bool IsExpected(Exception problem) =>
        problem is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or System.Security.SecurityException;

    /// <summary>In one line.</summary>
    public static string Reason(Exception problem)
    {
        var text = problem.Message.ReplaceLineEndings(" ");
        // What the framework says of its parameters is nothing to a user.
        return (text.IndexOf(" (Parameter '", StringComparison.Ordinal) is >= 0 and var end ? text[..end] : text).TrimEnd('.');
    }

    private bool IsOther() => Key is null ? File.Exists(Path) : Directory.Exists(Path);

    private List<CertificatePair> Pairs() => Key is not null ? [new CertificatePair(Path, Key)] : [.. CertificateFolder.PairsIn(Path)];
}

/// <summary>A certificate that cannot be used. The message says what was expected, and why it is not so.</summary>
internal sealed class CertificateException(string message, Exception? cause = null) : Exception(message, cause);

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
