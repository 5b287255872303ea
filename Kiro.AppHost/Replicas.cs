using Kiro.AppHost.Settings;

namespace Kiro.AppHost;

/// <summary>The nodes, as separate resources with their own ports, because Aspire's replicas are hidden behind one proxy.</summary>
internal static class Replicas
{
    // The balancer runs on this machine.
    private const string Loopback = "127.0.0.0/8,::1/128";

    public static IReadOnlyList<IResourceBuilder<ProjectResource>> AddNodes(
        this IDistributedApplicationBuilder builder,
        AppHostSettings settings,
        IResourceBuilder<IResourceWithConnectionString>? database,
        IResourceBuilder<ParameterResource> token) =>
        [.. Enumerable.Range(1, settings.Nodes + settings.Spares).Select(number =>
        {
            var node = builder.AddNode(settings, number, database, token);
            return number > settings.Nodes ? node.WithExplicitStart() : node;
        })];

    // Nodes do not wait for their database, because they serve without it.
    private static IResourceBuilder<ProjectResource> AddNode(
        this IDistributedApplicationBuilder builder,
        AppHostSettings settings,
        int number,
        IResourceBuilder<IResourceWithConnectionString>? database,
        IResourceBuilder<ParameterResource> token)
    {
        var name = "api-" + number;
        var node = builder.AddProject<Projects.Kiro_Api>(name, options => options.ExcludeLaunchProfile = true)
            .WithHttpEndpoint(settings.StartPort + number - 1, env: "PORT", isProxied: false)
            // The address is the node's id: the same as under Kiro.Cluster, so clients get the same nodes.
            .WithEndpoint("http", endpoint => endpoint.TargetHost = "127.0.0.1")
            .WithoutHttpsCertificate()
            .WithEnvironment("NODE_NAME", name)
            .WithEnvironment("TRUSTED_PROXIES", Loopback)
            .WithEnvironment("ADMIN_TOKEN", token)
            // Longer than the balancer takes to notice, which is notified immediately. After Ctrl-C all wait for this delay.
            .WithEnvironment("DRAIN_DELAY", settings.DrainDelay ?? "0.5")
            .WithHttpHealthCheck("/health")
            .WithUrlForEndpoint("http", url => url.DisplayText = "node")
            .WithUrlForEndpoint("http", _ => new() { Url = "/status.html", DisplayText = "status" });
        return database is null ? node : node.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString).WithReference(database);
    }
}
