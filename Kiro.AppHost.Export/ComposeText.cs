using Aspire.Hosting.Docker.Resources;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>Text of the compose files for which the publisher's model has no fields.</summary>
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

    // Survives the replacement of the container.
    private const string Mount = "    volumes:\n      - \"kiro-state:" + PublishedSettings.StateFolder + "\"\n";

    private const string Volumes = "volumes:\n  kiro-state: {}\n";

    private const string Restart = "    restart: ";

    private const string Networks = "    networks:\n      - \"" + ComposeNetwork.Name + "\"\n";

    /// <summary>Adds the balancer's fixed address, which the publisher does not support.</summary>
    public static string WithBalancerAddress(ComposeFile file)
    {
        var text = file.ToYaml();
        var balancer = text.IndexOf("  balancer:\n", StringComparison.Ordinal);
        var networks = text.IndexOf(Networks, balancer, StringComparison.Ordinal);
        return networks < 0
            ? throw new InvalidOperationException("The publisher's network format has changed.")
            : string.Concat(text.AsSpan(0, networks), $"    networks:\n      {ComposeNetwork.Name}:\n        ipv4_address: \"{ComposeNetwork.BalancerAddress}\"\n",
                text.AsSpan(networks + Networks.Length));
    }

    /// <summary>Adds a volume for a balancer's state.</summary>
    /// <param name="text">The file.</param>
    /// <param name="service">The balancer.</param>
    public static string WithState(string text, string service)
    {
        var balancer = text.IndexOf($"  {service}:\n", StringComparison.Ordinal);
        var restart = text.IndexOf(Restart, balancer, StringComparison.Ordinal);
        return restart < 0
            ? throw new InvalidOperationException("The publisher's service format has changed.")
            : string.Concat(text.AsSpan(0, restart), Mount, text.AsSpan(restart), Volumes);
    }
}
