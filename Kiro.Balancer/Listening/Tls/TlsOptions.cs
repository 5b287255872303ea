using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>HTTPS and HTTP/2 to clients.</summary>
/// <param name="Port"><c>TLS_PORT</c>: the port for HTTPS; null, the default, is off.</param>
/// <param name="Files">Where the certificates are.</param>
/// <param name="ClientAuthorities"><c>TLS_CLIENT_CA</c>: a PEM file with the authorities whose clients are let in; null asks
/// clients for no certificate.</param>
/// <param name="RedirectPort"><c>TLS_REDIRECT</c>: where the plain port sends everybody, to <c>TLS_PORT</c> with <c>on</c>, or to
/// the port that it is published as; null with <c>off</c>, the default.</param>
internal sealed record TlsOptions(int? Port, CertificateFiles? Files, X509Certificate2Collection? ClientAuthorities, int? RedirectPort)
{
    private const string PortVariable = "TLS_PORT";

    /// <summary>Changes with what is in the files.</summary>
    public ulong Content { get; init; }

    public static TlsOptions Off { get; } = new(null, null, null, null);

    public static TlsOptions Read(SettingsReader settings)
    {
        var files = CertificateFiles.Read(settings);
        var authorities = ReadAuthorities(settings);
        var redirect = ReadRedirect(settings);
        if (settings.Text(PortVariable) is null)
        {
            if (files is not null || redirect is not null)
            {
                settings.Reject(PortVariable, "", $"a port, because {files?.Variable ?? "TLS_REDIRECT"} is set");
            }

            return Off;
        }

        var port = settings.Port(PortVariable, 1);
        if (files is null)
        {
            settings.Reject(PortVariable, settings.Text(PortVariable)!, "TLS_CERTIFICATE and TLS_KEY, or TLS_CERTIFICATES, beside it");
        }

        return new TlsOptions(port, files, authorities, redirect is 0 ? port : redirect) { Content = files?.Fingerprint() ?? 0 };
    }

    private static X509Certificate2Collection? ReadAuthorities(SettingsReader settings)
    {
        const string Variable = "TLS_CLIENT_CA";
        if (settings.Text(Variable) is not { } path)
        {
            return null;
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception problem) when (CertificateFiles.IsExpected(problem))
        {
            settings.Reject(Variable, path, $"a PEM file with certificates ({CertificateFiles.Reason(problem)})");
            return null;
        }

        if (authorities.Count == 0)
        {
            settings.Reject(Variable, path, "a PEM file with at least one certificate");
        }

        return authorities;
    }

    // 0 stands for the port that is listened on.
    private static int? ReadRedirect(SettingsReader settings)
    {
        const string Variable = "TLS_REDIRECT";
        switch (settings.Text(Variable) ?? "off")
        {
            case "off":
                return null;
            case "on":
                return 0;
            case var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535:
                return port;
            case var text:
                settings.Reject(Variable, text, "on, off, or a port from 1 to 65535");
                return null;
        }
    }
}
