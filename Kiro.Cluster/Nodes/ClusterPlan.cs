using System.Globalization;
using Kiro.Cluster.Settings;

namespace Kiro.Cluster.Nodes;

/// <summary>The processes of the cluster and their environments.</summary>
internal static class ClusterPlan
{
    public const string Api = "Kiro.Api";
    public const string Balancer = "Kiro.Balancer";
    public const string BalancerName = "balancer";

    /// <param name="settings">The cluster to start.</param>
    /// <param name="ignored">Variables to hide from the balancer.</param>
    /// <param name="databaseFile">The instances' <c>SQLITE_FILE</c>; null to leave it unchanged.</param>
    public static IReadOnlyList<Node> Of(ClusterSettings settings, IgnoredSettings ignored, string? databaseFile = null)
    {
        var nodes = Enumerable.Range(0, settings.InstanceCount).Select(index => Instance(settings, index, databaseFile));
        return settings.BalancerPort is { } port
            ? [BalancerOf(settings, port, ignored), .. nodes]
            : [.. nodes];
    }

    private static Node Instance(ClusterSettings settings, int index, string? databaseFile)
    {
        var name = $"api-{index + 1}";
        var port = settings.StartPort + index;
        var environment = new Dictionary<string, string?>
        {
            ["PORT"] = Text(port),
            ["NODE_NAME"] = name,
        };
        if (databaseFile is not null)
        {
            environment["SQLITE_FILE"] = databaseFile;
        }

        if (settings.BalancerPort is not null)
        {
            // The user's list is for the balancer; the instances trust the balancer, which is local.
            environment["TRUSTED_PROXIES"] = "127.0.0.0/8,::1/128";
        }

        return new Node(name, Api, port, "START_PORT", environment);
    }

    private static Node BalancerOf(ClusterSettings settings, int port, IgnoredSettings ignored)
    {
        var environment = new Dictionary<string, string?>
        {
            ["BALANCER_PORT"] = Text(port),
            ["BACKEND_START_PORT"] = Text(settings.StartPort),
            ["BACKEND_COUNT"] = Text(settings.InstanceCount),
        };
        foreach (var name in ignored.Emptied)
        {
            environment[name] = "";
        }

        foreach (var name in ignored.Removed)
        {
            environment[name] = null;
        }

        return new Node(BalancerName, Balancer, port, "BALANCER_PORT", environment) { Pages = settings.Pages, WithProxyHeader = settings.WithProxyHeader };
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One process of the cluster.</summary>
/// <param name="Name">Such as <c>api-1</c>, the prefix of its output.</param>
/// <param name="Program">Its assembly, without extension.</param>
/// <param name="Port">Its port.</param>
/// <param name="PortVariable">The runner's variable that determines the port.</param>
/// <param name="Environment">Changes to the runner's own environment; null removes a variable.</param>
internal sealed record Node(
    string Name, string Program, int Port, string PortVariable, IReadOnlyDictionary<string, string?> Environment)
{
    public Uri Address { get; } = new($"http://localhost:{Port}");

    /// <summary>The address of a balancer's pages, if different.</summary>
    public Uri? Pages { get; init; }

    /// <summary>Whether it expects a PROXY protocol header, except on a separate address of its pages.</summary>
    public bool WithProxyHeader { get; init; }

    public bool IsBalancer => Program == ClusterPlan.Balancer;
}
