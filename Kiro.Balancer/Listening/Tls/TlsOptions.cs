using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>TLS to clients.</summary>
/// <param name="Port"><c>TLS_PORT</c>: the HTTPS port; null (the default) is off.</param>
/// <param name="Files">The certificates.</param>
/// <param name="ClientAuthorities"><c>TLS_CLIENT_CA</c>: a PEM file with the CAs of client certificates; null requires no client
/// certificate.</param>
/// <param name="RedirectPort"><c>TLS_REDIRECT</c>: redirects the plain port to <c>TLS_PORT</c> (<c>on</c>) or to the port under which that is
/// published; null (<c>off</c>) is the default.</param>
internal sealed record TlsOptions(int? Port, CertificateFiles? Files, X509Certificate2Collection? ClientAuthorities, int? RedirectPort)
{
    public const string PortVariable = "TLS_PORT";

    private const string AuthorityVariable = "TLS_CLIENT_CA";

    /// <summary>Of <c>TLS_CLIENT_CA</c>: room for a thousand CAs.</summary>
    private const int MaxAuthorityBytes = 2 * 1024 * 1024;

    /// <summary>The fingerprint of the certificate files, so that new content makes the options differ.</summary>
    public ulong Content { get; init; }

    public static TlsOptions Off { get; } = new(null, null, null, null);

    public static TlsOptions Read(SettingsReader settings) => Read(settings, null);

    /// <param name="settings">The settings.</param>
    /// <param name="inForce">The current files; null at the start.</param>
    public static TlsOptions Read(SettingsReader settings, CertificateFiles? inForce)
    {
        var files = CertificateFiles.Read(settings, inForce);
        var authorities = ReadAuthorities(settings);
        var redirect = ReadRedirect(settings);
        if (settings.Text(PortVariable) is null)
        {
            var without = files?.Variable ?? (redirect is not null ? "TLS_REDIRECT" : settings.Text(AuthorityVariable) is not null ? AuthorityVariable : null);
            if (without is not null)
            {
                settings.Reject(PortVariable, "", $"a port, because {without} is set");
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

    /// <summary>Rejects a port that another listener uses.</summary>
    public void RejectPortOf(SettingsReader settings, ListenPort plain)
    {
        if (Port == plain.Port)
        {
            settings.Reject(PortVariable, settings.Text(PortVariable)!, $"a port of its own, and {plain.Port} is {plain.Variable}");
        }
    }

    private static X509Certificate2Collection? ReadAuthorities(SettingsReader settings)
    {
        if (settings.FileText(AuthorityVariable, MaxAuthorityBytes, "a readable PEM file with certificates") is not { } text)
        {
            return null;
        }

        var (authorities, path) = (new X509Certificate2Collection(), settings.Text(AuthorityVariable)!);
        try
        {
            authorities.ImportFromPem(text);
            if (authorities.Count == 0)
            {
                settings.Reject(AuthorityVariable, path, "a PEM file with at least one certificate");
            }
        }
        catch (CryptographicException problem)
        {
            settings.Reject(AuthorityVariable, path, $"a PEM file with certificates ({CertificateFiles.Reason(problem)})");
        }

        return authorities;
    }

    // 0 stands for TLS_PORT.
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
