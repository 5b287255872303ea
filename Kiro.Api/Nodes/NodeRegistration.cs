using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Kiro.Api.Database;
using Kiro.ServiceDefaults;

namespace Kiro.Api.Nodes;

internal static class NodeRegistration
{
    public static void AddNodes(this IServiceCollection services, ApiOptions api, NodeOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => new NodeIdentity(
            api.NodeName,
            Guid.NewGuid().ToString(),
            NodeAddress.WithPort(api.Listen.Port),
            ServiceDefaultsExtensions.Version,
            provider.GetRequiredService<TimeProvider>().GetUtcNow(),
            provider.GetRequiredService<TimeProvider>().GetTimestamp()));
        services.AddSingleton<NodeStore>();
        services.AddSingleton<NodeDirectory>();
        services.AddSingleton<Heartbeat>();
        services.AddSingleton<IDatabaseProbe>(provider => provider.GetRequiredService<Heartbeat>());
        services.AddHostedService(provider => provider.GetRequiredService<Heartbeat>());
    }
}

/// <summary>This node.</summary>
/// <param name="Name">Stable across restarts.</param>
/// <param name="Instance">Unique to each process.</param>
/// <param name="Address">Host and port at which others can reach it.</param>
/// <param name="Version">The program's version.</param>
/// <param name="StartedAt">The start time of this process, for display.</param>
/// <param name="Started">The same as <see cref="TimeProvider.GetTimestamp"/>, for durations.</param>
internal sealed record NodeIdentity(string Name, string Instance, string Address, string Version, DateTimeOffset StartedAt, long Started)
{
    public double UptimeSeconds(TimeProvider time) => Math.Round(time.GetElapsedTime(Started).TotalSeconds, 1);
}

/// <summary>The address of this machine for others.</summary>
internal static class NodeAddress
{
    public static string WithPort(int port) => new IPEndPoint(Find(), port).ToString();

    private static IPAddress Find()
    {
        try
        {
            return NetworkInterface.GetAllNetworkInterfaces()
                .Where(network => network.OperationalStatus == OperationalStatus.Up
                    && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
                .Select(network => network.GetIPProperties())
                // Prefer networks with a gateway, which container bridges do not have.
                .OrderByDescending(network => network.GatewayAddresses.Count > 0)
                .SelectMany(network => network.UnicastAddresses)
                .Select(unicast => unicast.Address)
                .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal)
                .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
                .FirstOrDefault(IPAddress.Loopback);
        }
        catch (NetworkInformationException)
        {
            return IPAddress.Loopback;
        }
    }
}
