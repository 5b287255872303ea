namespace Kiro.AppHost.Export;

/// <summary>The Helm chart.</summary>
internal static class Chart
{
    public static void AddChart(
        this IDistributedApplicationBuilder builder, int nodes, IResourceBuilder<ProjectResource> balancer, IResourceBuilder<ProjectResource> api)
    {
        builder.AddKubernetesEnvironment("kubernetes");
    }
}
