using System.Net;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>A separate listener for the admin pages. If there is one, their paths on the public ports are forwarded to the backends.</summary>
/// <param name="EndPoint"><c>ADMIN_LISTEN</c>; null (the default) serves the pages on the public ports.</param>
/// <param name="Hosts"><c>ADMIN_HOSTS</c>: host names that are accepted besides localhost and addresses.</param>
internal sealed record AdminListener(IPEndPoint? EndPoint, IReadOnlySet<string> Hosts)
{
    /// <summary>Maximum number of connections. They do not count as client connections, so that a flood of those does not lock operators out.</summary>
    public const int MaxConnections = 64;

    public const string Variable = "ADMIN_LISTEN";

    private const string HostsVariable = "ADMIN_HOSTS";

    public bool IsOn => EndPoint is not null;

    public ConnectionLimit Limit { get; } = new(MaxConnections);

    /// <param name="settings">The settings.</param>
    /// <param name="publicPorts">The ports of the other listeners with their variables.</param>
    public static AdminListener Read(SettingsReader settings, params IEnumerable<(string Variable, int? Port)> publicPorts)
    {
        var (text, hosts) = (settings.Text(Variable), ReadHosts(settings));
        if (text is null)
        {
            if (hosts.Count > 0)
            {
                settings.Warn($"{HostsVariable} is not used: {Variable} is unset.");
            }

            return new AdminListener(null, hosts);
        }

        if (!TryParse(text, out var endpoint))
        {
            settings.Reject(Variable, text, "an IP address of this machine and a port, such as 127.0.0.1:13002 or [::1]:13002");
            return new AdminListener(null, hosts);
        }

        foreach (var (variable, _) in publicPorts.Where(other => other.Port == endpoint.Port))
        {
            settings.Reject(Variable, text, $"a port of its own, and {endpoint.Port} is {variable}");
        }

        return new AdminListener(endpoint, hosts);
    }

    /// <summary>The port that serves the pages.</summary>
    public ListenPort Or(ListenPort port) => EndPoint is null ? port : port with { Port = EndPoint.Port, Addresses = [EndPoint.Address] };

    /// <summary>Whether a connection was accepted by this listener.</summary>
    public bool Accepts(EndPoint? local) => EndPoint is not null && local is IPEndPoint { Port: var port } && port == EndPoint.Port;

    /// <summary>Whether a request was received by this listener.</summary>
    public bool Accepts(HttpContext context) => EndPoint is not null && context.Connection.LocalPort == EndPoint.Port;

    /// <summary>Whether the Host may be this machine's. Refusing any other name prevents DNS rebinding.</summary>
    /// <param name="host">The host of the request; empty if it has none, which no browser sends.</param>
    public bool AllowsHost(HostString host) =>
        host.Host.TrimEnd('.') is var name && (name.Length == 0
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || IPAddress.TryParse(name, out _) || Hosts.Contains(name));

    private static bool TryParse(string text, out IPEndPoint endpoint)
    {
        var colon = text.LastIndexOf(':');
        return IPEndPoint.TryParse(text, out endpoint!) && endpoint.Port > 0
            // .NET accepts a missing port, and IPv4 addresses such as "1" and "0x7f.1", which are hardly intended.
            && (endpoint.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
                ? text.StartsWith('[') && !text.Contains('%', StringComparison.Ordinal)
                : colon > 0 && endpoint.Address.ToString() == text[..colon]);
    }

    private static HashSet<string> ReadHosts(SettingsReader settings)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        if (settings.Text(HostsVariable) is not { } list)
        {
            return names;
        }

        foreach (var name in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Uri.CheckHostName(name) != UriHostNameType.Dns)
            {
                settings.Reject(HostsVariable, list, $"host names such as lb.internal, separated by commas; {name} is not one");
                break;
            }

            names.Add(name);
        }

        return names;
    }
}

internal static class AdminListenerExtensions
{
    public static void AddAdminListener(this WebApplicationBuilder builder, AdminListener admin)
    {
        builder.Services.AddSingleton(admin);
        if (admin.EndPoint is { } endpoint)
        {
            builder.Services.AddSingleton(new ConfiguredPort(AdminListener.Variable, endpoint.ToString(), endpoint.Port));
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenOn([endpoint.Address], endpoint.Port, _ => { }));
        }
    }
}
