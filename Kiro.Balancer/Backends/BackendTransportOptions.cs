using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>How nodes are spoken to, and who is believed to be one over TLS.</summary>
/// <param name="Protocol"><c>BACKEND_PROTOCOL</c>: <c>http1</c>, the default, or <c>h2c</c>; to nodes over TLS that is <c>h2</c>, and
/// it may be called so.</param>
/// <param name="Authorities"><c>BACKEND_CA</c>: a PEM file with the authorities whose nodes are believed; null, the default, are
/// those of the system.</param>
/// <param name="TlsName"><c>BACKEND_TLS_NAME</c>: the name that nodes are called by (SNI, RFC 6066, section 3) and that their
/// certificates must be for; null, the default, is each node's own host. Nodes of <c>BACKEND_DNS=https://name</c> are called by that name.</param>
internal sealed record BackendTransportOptions(BackendProtocol Protocol, X509Certificate2Collection? Authorities, string? TlsName)
{
    private const string ProtocolVariable = "BACKEND_PROTOCOL";
    private const string AuthorityVariable = "BACKEND_CA";
    private const string NameVariable = "BACKEND_TLS_NAME";

    /// <summary>Unless it is told otherwise.</summary>
    public static BackendTransportOptions Usual { get; } = new(BackendProtocol.Http1, null, null);

    /// <summary>Whether HTTP/2 is spoken.</summary>
    public bool IsHttp2 => Protocol == BackendProtocol.Http2;

    /// <param name="settings">Where they are.</param>
    /// <param name="usualName">What nodes are called by unless they are told otherwise; null for each one's own host.</param>
    public static BackendTransportOptions Read(SettingsReader settings, string? usualName = null) =>
        new(ReadProtocol(settings), ReadAuthorities(settings), ReadName(settings) ?? usualName);

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

/// <summary>What nodes are spoken to with.</summary>
internal enum BackendProtocol
{
    /// <summary>HTTP/1.1.</summary>
    Http1,

    /// <summary>HTTP/2: with prior knowledge to plain nodes, by ALPN to those over TLS.</summary>
    Http2,
}

internal static class BackendServices
{
    /// <param name="services">Where to add it.</param>
    /// <param name="transport">How nodes are spoken to.</param>
    /// <param name="thresholds">How many probes change a verdict.</param>
    /// <param name="hasTimes">Whether something becomes of nodes by time alone.</param>
    public static void AddBackends(this IServiceCollection services, BackendTransportOptions transport, Reloadable<ProbeThresholds> thresholds, bool hasTimes)
    {
        services.AddSingleton(transport);
        services.AddSingleton<BackendTls>();
        services.AddSingleton(thresholds);
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<BackendRegistry>();
        services.AddSingleton<BackendChooser>();
        services.AddSingleton<Homes>();
        if (hasTimes)
        {
            services.AddHostedService<RegistryClock>();
        }
    }
}
