using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;

namespace Kiro.Balancer.Status;

/// <summary>The words that the status contract uses.</summary>
internal static class StateNames
{
    public static string Of(BackendState state) => state switch
    {
        BackendState.Starting => "starting",
        BackendState.Up => "up",
        BackendState.Down => "down",
        _ => "draining",
    };

    public static string Of(DiscoveryMode mode) => mode switch
    {
        DiscoveryMode.ServiceDiscovery => "service-discovery",
        DiscoveryMode.Dns => "dns",
        DiscoveryMode.Hosts => "hosts",
        _ => "local",
    };
}
