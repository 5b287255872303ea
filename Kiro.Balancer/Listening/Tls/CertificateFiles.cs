using System.IO.Hashing;
using System.Security.Cryptography;
using Kiro.ServiceDefaults.Settings;

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

    private static readonly string[] Extensions = [".crt", ".pem", ".cer"];
    private static readonly (string Certificate, string Key)[] InSubfolders = [("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key")];

    public static CertificateFiles? Read(SettingsReader settings)
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
        if (files is not null)
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
        try
        {
            var pairs = Pairs();
            if (pairs.Count == 0)
            {
                throw new CertificateException("a folder with pairs such as example.crt and example.key, or example.com/fullchain.pem and privkey.pem");
            }

            if (pairs.Count > MaxPairs)
            {
                throw new CertificateException($"a folder with at most {MaxPairs} pairs (it has {pairs.Count})");
            }

            return new CertificateSet([.. pairs.Select(pair => ServerCertificate.Load(pair.Certificate, pair.Key, Password, now))]);
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
            foreach (var (certificate, key) in Pairs())
            {
                hash.Append(System.Text.Encoding.UTF8.GetBytes(certificate));
                hash.Append(File.ReadAllBytes(certificate));
                hash.Append(File.ReadAllBytes(key));
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

    private List<(string Certificate, string Key)> Pairs() =>
        Key is not null ? [(Path, Key)] : [.. InFolder().OrderBy(pair => pair.Certificate, StringComparer.Ordinal)];

    private IEnumerable<(string Certificate, string Key)> InFolder()
    {
        foreach (var file in Directory.EnumerateFiles(Path))
        {
            if (Extensions.Contains(System.IO.Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
            {
                var key = System.IO.Path.ChangeExtension(file, ".key");
                yield return (file, File.Exists(key) ? key : file);
            }
        }

        foreach (var folder in Directory.EnumerateDirectories(Path))
        {
            foreach (var (certificate, key) in InSubfolders)
            {
                if (File.Exists(System.IO.Path.Combine(folder, certificate)))
                {
                    // As Kubernetes mounts secrets, the same files stand in a hidden folder as well.
                    if (!System.IO.Path.GetFileName(folder).StartsWith('.'))
                    {
                        yield return (System.IO.Path.Combine(folder, certificate), System.IO.Path.Combine(folder, key));
                    }

                    break;
                }
            }
        }
    }
}

/// <summary>A certificate that cannot be used. The message says what was expected, and why it is not so.</summary>
internal sealed class CertificateException(string message, Exception? cause = null) : Exception(message, cause);
