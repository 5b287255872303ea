namespace Kiro.AppHost.Published;

/// <summary>The published nodes: five services with their own ports, or one with five replicas.</summary>
internal static class PublishedNodes
{
    // The pod network. The chart's NetworkPolicy only lets balancers reach the nodes, so no one else is trusted.
    private const string PodNetworks = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fd00::/8";

    public static IReadOnlyList<IResourceBuilder<ProjectResource>> PublishNodes(
        this IDistributedApplicationBuilder builder, ExportKind export, IResourceBuilder<ParameterResource> token)
    {
        const int First = PublishedSettings.FirstPort;
        return export == ExportKind.Cluster
            ? [.. Enumerable.Range(0, PublishedSettings.Nodes).Select(index => PublishNode("api-" + (index + 1), First + index).WithEnvironment("NODE_NAME", "api-" + (index + 1)))]
            : [PublishNode("api", First).WithReplicas(PublishedSettings.Nodes)];

        IResourceBuilder<ProjectResource> PublishNode(string name, int port) => builder
            .AddProject<Projects.Kiro_Api>(name, options => options.ExcludeLaunchProfile = true)
            .WithHttpEndpoint(port, targetPort: port, env: "PORT")
            .WithoutDefaults()
            .WithBelievedProxies(export)
            .WithDatabase(export)
            .WithSharedSettings(token);
    }

    // The address or network whose X-Forwarded-For is trusted.
    private static IResourceBuilder<ProjectResource> WithBelievedProxies(this IResourceBuilder<ProjectResource> node, ExportKind export) =>
        export is ExportKind.Cluster or ExportKind.Scale
            ? node.WithEnvironment("TRUSTED_PROXIES", node.ApplicationBuilder.AddSetting(PublishedSettings.ComposeBalancer.Name, PublishedSettings.ComposeBalancer.Fallback))
            : node.WithEnvironment("TRUSTED_PROXIES", PodNetworks);

    // Separate variables instead of a connection string, so that a password may contain any characters.
    private static IResourceBuilder<ProjectResource> WithDatabase(this IResourceBuilder<ProjectResource> node, ExportKind export)
    {
        var isOnHost = export is ExportKind.Cluster or ExportKind.Scale;
        return node
            .WithSetting("MYSQL_HOST", isOnHost ? "host.docker.internal" : "mysql.example")
            .WithSetting("MYSQL_PORT", isOnHost ? "13306" : "3306")
            .WithSetting("MYSQL_USER", isOnHost ? "root" : "kiro")
            .WithSecret("MYSQL_PASSWORD")
            .WithSetting("MYSQL_DATABASE", "kiro_api");
    }
}
