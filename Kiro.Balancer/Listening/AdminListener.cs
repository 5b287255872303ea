using System.Net;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>
/// A listener of its own for the operator's pages: they are served there alone then, and their paths on the public ports are
/// the nodes'.
/// </summary>
/// <param name="EndPoint"><c>ADMIN_LISTEN</c>; null, the default, leaves the pages on the public ports.</param>
/// <param name="Hosts"><c>ADMIN_HOSTS</c>: names in Host that are served besides loopback ones and addresses.</param>
internal sealed record AdminListener(IPEndPoint? EndPoint, IReadOnlySet<string> Hosts)
{
    /// <summary>Connections at a time: some browsers and scrapers. They are not counted as clients', so that a flood of those
    /// does not shut operators out.</summary>
    public const int MaxConnections = 64;

    /// <summary>The variable of the address and the port.</summary>
    public const string Variable = "ADMIN_LISTEN";

    private const string HostsVariable = "ADMIN_HOSTS";

    /// <summary>Whether there is one.</summary>
    public bool IsOn => EndPoint is not null;

    /// <summary>Counts its connections.</summary>
    public ConnectionLimit Limit { get; } = new(MaxConnections);

    /// <summary>Reads the settings.</summary>
    /// <param name="settings">Where they are.</param>
    /// <param name="publicPorts">Other listeners' variables and ports.</param>
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

    /// <summary>Where the pages are: here, or on the public port.</summary>
    public ListenPort Or(ListenPort port) => EndPoint is null ? port : port with { Port = EndPoint.Port, Addresses = [EndPoint.Address] };

    /// <summary>Whether a connection came in here.</summary>
    public bool Accepts(EndPoint? local) => EndPoint is not null && local is IPEndPoint { Port: var port } && port == EndPoint.Port;

    /// <summary>Whether a request came in here.</summary>
    public bool Accepts(HttpContext context) => EndPoint is not null && context.Connection.LocalPort == EndPoint.Port;

    /// <summary>
    /// Whether a request may have been meant for this machine. A name that a stranger's DNS lets point here (DNS rebinding) is
    /// what a browser would send on a stranger's behalf.
    /// </summary>
    /// <param name="host">The host of the request; empty when it has none, as no browser's is.</param>
    public bool AllowsHost(HostString host) =>
        host.Host.TrimEnd('.') is var name && (name.Length == 0
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || IPAddress.TryParse(name, out _) || Hosts.Contains(name));

    private static bool TryParse(string text, out IPEndPoint endpoint)
    {
        var colon = text.LastIndexOf(':');
        return IPEndPoint.TryParse(text, out endpoint!) && endpoint.Port > 0
            // The framework takes an address without a port, and IPv4 as "1" and "0x7f.1", which are hardly meant.
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
                settings.Reject(HostsVariable, list, $"host names such as lb.internal, separated by commas; {name} is none");
                break;
            }

            names.Add(name);
        }

        return names;
    }
}

/// <summary>The operator's side door: <c>ADMIN_LISTEN</c>.</summary>
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

    /// <summary>Keeps what comes in by the side door to the balancer's own pages, and to whom they are for.</summary>
    public static void UseAdminListener(this IApplicationBuilder app, AdminListener admin)
    {
        if (!admin.IsOn)
        {
            return;
        }

        app.Use(next => context =>
            !admin.Accepts(context) ? next(context)
            : !admin.AllowsHost(context.Request.Host) ? RefuseAsync(context, StatusCodes.Status421MisdirectedRequest,
                "this name is not one of the admin listener's: ask by address or localhost, or name it in ADMIN_HOSTS")
            : !OwnPaths.ForAdminListener.Contains(context) ? RefuseAsync(context, StatusCodes.Status404NotFound,
                "the balancer's own pages are here, and nothing else: /lb, /metrics, /health, /alive")
            : next(context));
    }

    private static Task RefuseAsync(HttpContext context, int status, string problem)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return ProblemResponse.Result(status, problem).ExecuteAsync(context);
    }
}
