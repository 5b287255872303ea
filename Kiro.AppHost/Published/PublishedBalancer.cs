namespace Kiro.AppHost.Published;

/// <summary>The published balancer, with its nodes in a list or behind a DNS name.</summary>
internal static class PublishedBalancer
{
    public static IResourceBuilder<ProjectResource> PublishBalancer(
        this IDistributedApplicationBuilder builder,
        ExportKind export,
        IReadOnlyList<IResourceBuilder<ProjectResource>> nodes,
        IResourceBuilder<ParameterResource> token)
    {
        const int Port = PublishedSettings.BalancerPort;
        var balancer = builder.AddProject<Projects.Kiro_Balancer>("balancer", options => options.ExcludeLaunchProfile = true)
            .WithHttpEndpoint(Port, targetPort: Port, env: "BALANCER_PORT")
            .WithExternalHttpEndpoints()
            .WithoutDefaults();
        return (export == ExportKind.Cluster
                ? balancer.WithEnvironment("BACKEND_HOSTS", Hosts(nodes))
                : balancer.WithService(nodes.Single().GetEndpoint("http"), export))
            .WithSetting("TRUSTED_PROXIES", "127.0.0.0/8,::1/128")
            .WithSetting("PROXY_PROTOCOL", "off")
            .WithSetting("CLIENT_IP_HEADER", "")
            .WithSetting("STICKY_BY", "ip")
            .WithSetting("LIMIT_CONNECTIONS_PER_CLIENT", "0")
            .WithSetting("LIMIT_REQUESTS_PER_SECOND", "0")
            .WithSetting("ADMIN_LISTEN", "")
            .WithSetting("ADMIN_HOSTS", "")
            .WithSetting("ACCESS_LOG", "off")
            .WithSetting("SESSION_IDLE", "0")
            // Empty: the balancer's own default.
            .WithSetting("FORWARDER", "")
            .WithSecret("HASH_SEED")
            .WithState(export)
            .WithSharedSettings(token);
    }

    // If there is a volume. The chart sets the peers itself.
    private static IResourceBuilder<ProjectResource> WithState(this IResourceBuilder<ProjectResource> balancer, ExportKind export) => export switch
    {
        ExportKind.Manifest => balancer,
        ExportKind.Kubernetes => balancer.WithEnvironment("STATE_FILE", PublishedSettings.StateFile),
        _ => balancer.WithEnvironment("STATE_FILE", PublishedSettings.StateFile).WithSetting("BALANCER_PEERS", ""),
    };

    private static ReferenceExpression Hosts(IEnumerable<IResourceBuilder<ProjectResource>> nodes)
    {
        var hosts = new ReferenceExpressionBuilder();
        foreach (var endpoint in nodes.Select(node => node.GetEndpoint("http")))
        {
            hosts.AppendLiteral(hosts.IsEmpty ? "" : ",");
            hosts.Append($"{endpoint.Property(EndpointProperty.Host)}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }

        return hosts.Build();
    }

    private static IResourceBuilder<ProjectResource> WithService(
        this IResourceBuilder<ProjectResource> balancer, EndpointReference nodes, ExportKind export) => balancer
        .WithEnvironment("BACKEND_DNS", nodes.Property(EndpointProperty.Host))
        .WithEnvironment("BACKEND_PORT", nodes.Property(EndpointProperty.TargetPort))
        // Docker's name server is fast and always current, so new nodes are found while they are still starting.
        // CoreDNS caches responses for 5 s, so a shorter interval would not help.
        .WithSetting("DNS_INTERVAL", export == ExportKind.Scale ? "2" : "5");
}
