using Kiro.Balancer.Discovery;

namespace Kiro.Balancer.Admin;

/// <summary>The words that the status contract uses for where nodes come from.</summary>
internal static class ModeNames
{
    public static string Of(DiscoveryMode mode) => mode switch
    {
        DiscoveryMode.ServiceDiscovery => "service-discovery",
        DiscoveryMode.Dns => "dns",
        DiscoveryMode.Hosts => "hosts",
        _ => "local",
    };
}
