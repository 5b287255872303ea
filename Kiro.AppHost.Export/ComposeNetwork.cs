using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>The network of the compose files, in which the nodes only trust the balancer's address.</summary>
internal static class ComposeNetwork
{
    public const string Name = "kiro";

    public static string BalancerAddress => $"${{{PublishedSettings.ComposeBalancer.Name}:-{PublishedSettings.ComposeBalancer.Fallback}}}";

    // Nodes get addresses from ip_range only, so that the balancer's address is always free.
    public static Network Describe() => new()
    {
        Name = Name,
        Ipam = new Ipam
        {
            Config =
            [
                new()
                {
                    ["subnet"] = "${KIRO_SUBNET:-172.31.13.0/24}",
                    ["gateway"] = "${KIRO_GATEWAY:-172.31.13.1}",
                    ["ip_range"] = "${KIRO_NODE_RANGE:-172.31.13.128/25}",
                },
            ],
        },
    };
}
