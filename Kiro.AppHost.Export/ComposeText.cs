using Aspire.Hosting.Docker.Resources;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>The compose files as text: what the publisher's model has no field for.</summary>
internal static class ComposeText
{
    public const string Cluster = """
        # The balancer on :13003 and five fixed nodes. No settings are required: without a .env the nodes use MySQL on this host
        # (host.docker.internal:13306, user root, no password), and are "degraded" while it is unavailable.
        # Generated from Kiro.AppHost: change the model, not this file (docs/aspire.md).

        """;

    public const string Host = """
        # An addition to docker-compose.cluster.yml: a balancer on the host's network, which sees the real client addresses.
        # Usage and required settings: docs/client-address.md.
        # Generated from Kiro.AppHost: change the model, not this file (docs/aspire.md).

        """;

    public const string Scale = """
        # The balancer on :13003 and any number of nodes: up -d --scale api=5. No settings are required: without a .env the
        # nodes use MySQL on this host (host.docker.internal:13306, user root, no password), and are "degraded" while it is
        # unavailable.
        # Generated from Kiro.AppHost: change the model, not this file (docs/aspire.md).

        """;

    // What outlives a container that is replaced.
    private const string Mount = "    volumes:\n      - \"kiro-state:" + PublishedSettings.StateFolder + "\"\n";

    private const string Volumes = "volumes:\n  kiro-state: {}\n";

    private const string Restart = "    restart: ";

    private const string Networks = "    networks:\n      - \"" + ComposeNetwork.Name + "\"\n";

    /// <summary>The file, with the fixed address that the nodes believe: the publisher knows networks by name only.</summary>
    public static string WithBalancerAddress(ComposeFile file)
    {
        var text = file.ToYaml();
        var balancer = text.IndexOf("  balancer:\n", StringComparison.Ordinal);
        var networks = text.IndexOf(Networks, balancer, StringComparison.Ordinal);
        return networks < 0
            ? throw new InvalidOperationException("The publisher writes networks in another way now.")
            : string.Concat(text.AsSpan(0, networks), $"    networks:\n      {ComposeNetwork.Name}:\n        ipv4_address: \"{ComposeNetwork.BalancerAddress}\"\n",
                text.AsSpan(networks + Networks.Length));
    }

    /// <summary>The file, with a volume for a balancer's state.</summary>
    /// <param name="text">The file.</param>
    /// <param name="service">The balancer.</param>
    public static string WithState(string text, string service)
    {
        var balancer = text.IndexOf($"  {service}:\n", StringComparison.Ordinal);
        var restart = text.IndexOf(Restart, balancer, StringComparison.Ordinal);
        return restart < 0
            ? throw new InvalidOperationException("The publisher writes services in another way now.")
            : string.Concat(text.AsSpan(0, restart), Mount, text.AsSpan(restart), Volumes);
    }
}
