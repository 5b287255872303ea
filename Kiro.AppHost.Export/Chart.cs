using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>The Helm chart: two balancers, autoscaled nodes, and network policies.</summary>
internal static class Chart
{
    /// <summary>Adds the publisher and customises its output.</summary>
    /// <param name="builder">The model.</param>
    /// <param name="balancer">The balancer.</param>
    /// <param name="api">The nodes.</param>
    public static void AddChart(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> balancer, IResourceBuilder<ProjectResource> api)
    {
        builder.AddKubernetesEnvironment("kubernetes")
            .WithDashboard(false)
            .WithHelm(chart => chart
                .WithChartName("kiro")
                .WithChartVersion(PublishedSettings.Version)
                .WithChartDescription("A sticky balancer and the replicated API behind it")
                .WithNamespace("kiro"));

        builder.Pipeline.AddStep("write-chart", ChartText.WriteAsync, dependsOn: "publish-kubernetes", requiredBy: WellKnownPipelineSteps.Publish);

        // Balancers map every client alike without shared state.
        balancer.WithReplicas(2).PublishAsKubernetesService(resource =>
        {
            resource.ShapePods(minReadySeconds: 5);
            resource.Service!.Spec.Type = "LoadBalancer";
            // The policy Cluster would hide the client addresses; see docs/client-address.md.
            resource.Service.Spec.ExternalTrafficPolicy = "Local";
            resource.AdditionalResources.Add(ChartPolicies.Disruption(resource));
            resource.AdditionalResources.Add(ChartPolicies.Peers(resource));
        });
        api.PublishAsKubernetesService(resource =>
        {
            // The balancers must have found the new pod before an old one stops.
            resource.ShapePods(minReadySeconds: 12);
            resource.NamePods();
            // Headless, so that the name resolves to the pods' addresses.
            resource.Service!.Spec.ClusterIp = "None";
            // Set by the autoscaler.
            resource.Deployment().Spec.Replicas = null;
            resource.AdditionalResources.Add(ChartPolicies.Autoscaler(resource, PublishedSettings.Nodes));
            resource.AdditionalResources.Add(ChartPolicies.Disruption(resource));
            resource.AdditionalResources.Add(ChartPolicies.OnlyFromBalancers(resource));
        });
    }
}
