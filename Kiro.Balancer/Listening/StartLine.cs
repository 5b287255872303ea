using System.Net;
using Kiro.Balancer.Discovery;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>One line for whoever started it: where it listens, what it balances over, and where the status page is.</summary>
internal static partial class StartLine
{
    /// <summary>As many nodes as a line names.</summary>
    private const int MaxNamed = 5;

    public static void SayWhenServing(this WebApplication app, ListenPort listen, AdminListener admin, DiscoveryOptions discovery) =>
        app.Lifetime.ApplicationStarted.Register(() => Serves(app.Logger, Where(listen), Over(discovery), Page(listen, admin)));

    private static string Where(ListenPort listen) => listen.Addresses.Count == 0
        ? $"port {listen.Port} of all addresses"
        : string.Join(", ", listen.Addresses.Select(address => new IPEndPoint(address, listen.Port)));

    private static string Over(DiscoveryOptions discovery) => discovery.Mode switch
    {
        DiscoveryMode.ServiceDiscovery => $"the addresses of {DiscoveryOptions.Service} (service discovery)",
        DiscoveryMode.Dns => $"the addresses of {discovery.Dns}, port {discovery.DnsPort} (BACKEND_DNS)",
        DiscoveryMode.File => $"{Named(discovery)} (BACKEND_FILE)",
        DiscoveryMode.Hosts => $"{Named(discovery)} (BACKEND_HOSTS)",
        _ => $"{Named(discovery)} (local ports)",
    };

    private static string Named(DiscoveryOptions discovery)
    {
        var more = discovery.Fixed.Count - MaxNamed;
        return string.Join(", ", discovery.Fixed.Take(MaxNamed).Select(node => node.Id)) + (more > 0 ? $" and {more} more" : "");
    }

    private static string Page(ListenPort listen, AdminListener admin)
    {
        var (address, port) = admin.EndPoint is { } door ? (door.Address, door.Port) : (listen.Addresses.FirstOrDefault(IPAddress.Any), listen.Port);
        return address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? $"http://localhost:{port}/lb" : $"http://{new IPEndPoint(address, port)}/lb";
    }

    [LoggerMessage(55, LogLevel.Information, "Listening on {Where}, balancing over {Nodes}; status page: {Page}")]
    private static partial void Serves(ILogger logger, string where, string nodes, string page);
}
