using Kiro.AppHost.Settings;

namespace Kiro.AppHost;

/// <summary>The balancer: on a port of its own, because Aspire's proxy before it would give every client the same address.</summary>
internal static class Balancer
{
    // The name under which the balancer looks for its nodes.
    private const string Service = "api";

    public static IResourceBuilder<ProjectResource> AddBalancer(
        this IDistributedApplicationBuilder builder,
        AppHostSettings settings,
        IReadOnlyList<IResourceBuilder<ProjectResource>> nodes,
        IResourceBuilder<ParameterResource> token)
    {
        // It waits for no node: one that is dead must not keep the others from being served.
        var balancer = builder.AddProject<Projects.Kiro_Balancer>("balancer", options => options.ExcludeLaunchProfile = true)
            .WithHttpEndpoint(settings.BalancerPort, env: "BALANCER_PORT", isProxied: false)
            .WithExternalHttpEndpoints()
            .WithoutHttpsCertificate()
            .DisableForwardedHeaders()
            .WithEnvironment("ADMIN_TOKEN", token)
            // The dashboard's buttons and links, and its health check, ask on the one port.
            .WithEnvironment("ADMIN_LISTEN", "")
            .WithEnvironment("PROXY_PROTOCOL", "off")
            .WithEnvironment("HEALTH_INTERVAL", settings.HealthInterval)
            // Nobody is before it who would have to notice that it leaves.
            .WithEnvironment("DRAIN_DELAY", settings.DrainDelay ?? "0")
            .WithHttpHealthCheck("/health")
            .WithUrlForEndpoint("http", url => url.DisplayText = "Kiro")
            .WithUrlForEndpoint("http", _ => new() { Url = "/lb", DisplayText = "balancer" })
            .WithUrlForEndpoint("http", _ => new() { Url = "/status.html", DisplayText = "status" })
            .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ServiceDiscovery);
        if (settings.SessionIdle is { } idle)
        {
            balancer.WithEnvironment("SESSION_IDLE", idle);
        }

        // One name for all of them: services__api__http__0, __1, …
        return nodes.Aggregate(balancer, (result, node) => result.WithReference(node, Service));
    }
}
