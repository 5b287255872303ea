using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>Where the backends come from.</summary>
/// <param name="Mode">The first mode that is configured.</param>
/// <param name="Dns"><c>BACKEND_DNS</c>: the name to look up; <c>https://name</c> for backends with TLS.</param>
/// <param name="DnsPort"><c>BACKEND_PORT</c>: the port of the backends behind that name, default 13004.</param>
/// <param name="Fixed"><c>BACKEND_FILE</c>, <c>BACKEND_HOSTS</c>, or <c>BACKEND_COUNT</c> (5) local ports,
/// starting with <c>BACKEND_START_PORT</c> (13004).</param>
/// <param name="Interval"><c>DNS_INTERVAL</c>: between lookups, 1 to 86400 s, default 60 s.</param>
internal sealed record DiscoveryOptions(
    DiscoveryMode Mode, string? Dns, int DnsPort, IReadOnlyList<BackendEndpoint> Fixed, TimeSpan Interval)
{
    /// <summary>The API's name in Aspire and Microsoft.Extensions.ServiceDiscovery.</summary>
    public const string Service = "api";

    private const string Secure = "https://";

    /// <summary>Whether the backends behind <see cref="Dns"/> use TLS, with that server name.</summary>
    public bool DnsIsTls { get; private init; }

    public bool Equals(DiscoveryOptions? other) =>
        other is not null && (Mode, Dns, DnsPort, DnsIsTls, Interval) == (other.Mode, other.Dns, other.DnsPort, other.DnsIsTls, other.Interval) && Fixed.SequenceEqual(other.Fixed);

    public override int GetHashCode() => HashCode.Combine(Mode, Dns, DnsPort, Interval, Fixed.Count);

    public static DiscoveryOptions Read(SettingsReader settings, IConfiguration configuration)
    {
        var dns = settings.Text("BACKEND_DNS");
        var dnsIsTls = dns?.StartsWith(Secure, StringComparison.OrdinalIgnoreCase) == true;
        dns = dnsIsTls ? dns![Secure.Length..] : dns;
        if (dns is not null && Uri.CheckHostName(dns) != UriHostNameType.Dns)
        {
            settings.Reject("BACKEND_DNS", dns, "a host name");
        }

        var file = BackendFile.Read(settings);
        var hosts = BackendHosts.Read(settings);
        var startPort = settings.Port("BACKEND_START_PORT", 13004);
        var count = settings.WholeNumber("BACKEND_COUNT", 5, 1, 65536 - startPort);
        var mode = configuration.GetSection($"services:{Service}").AsEnumerable().Any(entry => !string.IsNullOrEmpty(entry.Value)) ? DiscoveryMode.ServiceDiscovery
            : dns is not null ? DiscoveryMode.Dns
            : file is not null ? DiscoveryMode.File
            : hosts is not null ? DiscoveryMode.Hosts
            : DiscoveryMode.Local;
        // With the default count, blame the start port.
        if (mode == DiscoveryMode.Local && startPort + count > 65536 && settings.Text("BACKEND_COUNT") is null)
        {
            settings.Reject("BACKEND_START_PORT", $"{startPort}", $"a port that leaves room for BACKEND_COUNT={count} ports up to 65535");
        }

        WarnOfUnused(settings, mode);
        return new DiscoveryOptions(
            mode,
            dns,
            settings.Port("BACKEND_PORT", 13004),
            file ?? hosts ?? [.. Enumerable.Range(startPort, count).Select(port => new BackendEndpoint("127.0.0.1", port))],
            settings.Seconds("DNS_INTERVAL", 60, 1, 86400))
        {
            DnsIsTls = dnsIsTls,
        };
    }

    /// <summary>Warns if the balancer's own port is among the backends, which is a loop.</summary>
    /// <param name="settings">For warnings.</param>
    /// <param name="listen">Where the balancer listens.</param>
    public void WarnOfLoop(SettingsReader settings, ListenPort listen)
    {
        var onLoopback = listen.Addresses.Count == 0
            || listen.Addresses.Any(address => IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        if (onLoopback && Mode is DiscoveryMode.Hosts or DiscoveryMode.File or DiscoveryMode.Local
            && Fixed.FirstOrDefault(node => node.Port == listen.Port && BackendList.IsThisMachine(node)) is { } itself)
        {
            settings.Warn($"The node {itself.Id} is this balancer itself: {listen.Variable} is {listen.Port}. Requests for it are refused as a loop (508).");
        }
    }

    // Default values are fine: they are in a copied .env.example.
    private static void WarnOfUnused(SettingsReader settings, DiscoveryMode mode)
    {
        var (source, kept) = mode switch
        {
            DiscoveryMode.ServiceDiscovery => ("service discovery (services__api__…)", 0),
            DiscoveryMode.Dns => ("BACKEND_DNS", 1),
            DiscoveryMode.File => ("BACKEND_FILE", 2),
            DiscoveryMode.Hosts => ("BACKEND_HOSTS", 3),
            _ => ("", 4),
        };
        foreach (var (name, usual, of) in ((string, string?, int)[])
            [
                ("BACKEND_DNS", null, 1), ("BACKEND_FILE", null, 2), ("BACKEND_HOSTS", null, 3), ("BACKEND_START_PORT", "13004", 4),
                ("BACKEND_COUNT", "5", 4),
            ])
        {
            if (of > kept && settings.Text(name) is { } value && value != usual)
            {
                settings.Warn($"{name} is not used: the nodes come from {source}.");
            }
        }

        if (mode != DiscoveryMode.Dns && settings.Text("BACKEND_PORT") is { } port && port != "13004")
        {
            settings.Warn("BACKEND_PORT is not used: it is the port of the nodes behind BACKEND_DNS, which is unset.");
        }
    }
}

/// <summary>Where the backends come from; the first one configured applies.</summary>
internal enum DiscoveryMode
{
    /// <summary><c>services__api__http__0…</c>, as .NET Aspire sets them.</summary>
    ServiceDiscovery,

    /// <summary>Every address behind <c>BACKEND_DNS</c>.</summary>
    Dns,

    /// <summary>The list in <c>BACKEND_FILE</c>.</summary>
    File,

    /// <summary>The list <c>BACKEND_HOSTS</c>.</summary>
    Hosts,

    /// <summary>Consecutive ports on this machine.</summary>
    Local,
}
