using Kiro.AppHost.Settings;

namespace Kiro.AppHost;

/// <summary>The balancer, added with <c>Kiro.Aspire.Hosting</c>.</summary>
internal static class Balancer
{
    public static IResourceBuilder<KiroBalancerResource> AddBalancer(
        this IDistributedApplicationBuilder builder,
        AppHostSettings settings,
        IReadOnlyList<IResourceBuilder<ProjectResource>> nodes,
        IResourceBuilder<ParameterResource> token)
    {
        var balancer = builder.AddKiroBalancer("balancer", settings.BalancerPort, token)
            .WithSessionIdle(settings.SessionIdle)
            .WithDrainCommands()
            .WithUrlForEndpoint("http", url => url.DisplayText = "Kiro")
            .WithUrlForEndpoint("http", _ => new() { Url = "/status.html", DisplayText = "status" });
        foreach (var (name, given) in ((string, string?)[])[("HEALTH_INTERVAL", settings.HealthInterval), ("DRAIN_DELAY", settings.DrainDelay)])
        {
            if (given is not null)
            {
                balancer.WithEnvironment(name, given);
            }
        }

        balancer.AddTls(settings.Tls);
        return nodes.Aggregate(balancer, (result, node) => result.WithNodes(node));
    }

    private static void AddTls(this IResourceBuilder<KiroBalancerResource> balancer, TlsSettings tls)
    {
        foreach (var (name, value) in tls.Others)
        {
            balancer.WithEnvironment(name, value);
        }

        if (tls.KeyPassword is { } password)
        {
            balancer.WithEnvironment("TLS_KEY_PASSWORD", balancer.ApplicationBuilder.AddParameter("tls-key-password", password, secret: true));
        }

        if (tls.Port is { } port)
        {
            balancer.WithHttpsEndpoint(port, env: "TLS_PORT", isProxied: false).WithUrlForEndpoint("https", url => url.DisplayText = "Kiro (HTTPS)");
        }
    }
}
