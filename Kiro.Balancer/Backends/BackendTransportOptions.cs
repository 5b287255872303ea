using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>The protocol to backends, and how their certificates are verified.</summary>
/// <param name="Protocol"><c>BACKEND_PROTOCOL</c>: <c>http1</c>, the default, or <c>h2c</c>; <c>h2</c> is the same, for
/// backends with TLS.</param>
/// <param name="Authorities"><c>BACKEND_CA</c>: a PEM file with the trusted CAs; null, the default, for those of the system.</param>
/// <param name="TlsName"><c>BACKEND_TLS_NAME</c>: the server name to send (SNI) and to verify certificates against; null, the default, for
/// each backend's own host. Backends from <c>BACKEND_DNS=https://name</c> use that name.</param>
internal sealed record BackendTransportOptions(BackendProtocol Protocol, X509Certificate2Collection? Authorities, string? TlsName)
{
    private const string ProtocolVariable = "BACKEND_PROTOCOL";
    private const string AuthorityVariable = "BACKEND_CA";
    private const string NameVariable = "BACKEND_TLS_NAME";

    public static BackendTransportOptions Default { get; } = new(BackendProtocol.Http1, null, null);

    public bool IsHttp2 => Protocol == BackendProtocol.Http2;

    /// <param name="settings">The settings.</param>
    /// <param name="defaultName">The server name without <c>BACKEND_TLS_NAME</c>; null for each backend's own host.</param>
    public static BackendTransportOptions Read(SettingsReader settings, string? defaultName = null) =>
        new(ReadProtocol(settings), ReadAuthorities(settings), ReadName(settings) ?? defaultName);

    private static BackendProtocol ReadProtocol(SettingsReader settings)
    {
        var text = settings.Text(ProtocolVariable, "http1");
        switch (text)
        {
            case "http1":
                return BackendProtocol.Http1;
            case "h2c" or "h2":
                return BackendProtocol.Http2;
            default:
                settings.Reject(ProtocolVariable, text, "http1 or h2c");
                return BackendProtocol.Http1;
        }
    }

    private static string? ReadName(SettingsReader settings)
    {
        var name = settings.Text(NameVariable);
        if (name is null || Uri.CheckHostName(name) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6)
        {
            return name;
        }

        settings.Reject(NameVariable, name, "a host name, without a port");
        return null;
    }

    private static X509Certificate2Collection? ReadAuthorities(SettingsReader settings)
    {
        if (settings.Text(AuthorityVariable) is not { } path)
        {
            return null;
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            settings.Reject(AuthorityVariable, path, $"a PEM file with certificates ({problem.Message.ReplaceLineEndings(" ").TrimEnd('.')})");
            return null;
        }

        if (authorities.Count == 0)
        {
            settings.Reject(AuthorityVariable, path, "a PEM file with at least one certificate");
        }

        return authorities;
    }
}

/// <summary>The protocol to backends.</summary>
internal enum BackendProtocol
{
    /// <summary>HTTP/1.1.</summary>
    Http1,

    /// <summary>HTTP/2: with prior knowledge over plain TCP, by ALPN over TLS.</summary>
    Http2,
}

internal static class BackendServices
{
    /// <param name="services">The services.</param>
    /// <param name="transport">The protocol to backends.</param>
    /// <param name="thresholds">How many probes change a verdict.</param>
    /// <param name="needsTimer">Whether slow starts or drain timeouts are possible.</param>
    public static void AddBackends(this IServiceCollection services, BackendTransportOptions transport, Reloadable<ProbeThresholds> thresholds, bool needsTimer)
    {
        services.AddSingleton(transport);
        services.AddSingleton<BackendTls>();
        services.AddSingleton(thresholds);
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<BackendRegistry>();
        services.AddSingleton<BackendChooser>();
        services.AddSingleton<ClientDistribution>();
        if (needsTimer)
        {
            services.AddHostedService<RegistryTimer>();
        }
    }
}
