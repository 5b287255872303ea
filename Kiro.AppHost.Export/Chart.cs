using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>The Helm chart: two balancers, nodes that are scaled by their load, and who may reach whom.</summary>
internal static class Chart
{
    /// <summary>Adds the publisher and shapes what it makes.</summary>
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

        // Balancers share nothing and map every client alike.
        balancer.WithReplicas(2).PublishAsKubernetesService(resource =>
        {
            resource.ShapePods(minReadySeconds: 5);
            resource.Service!.Spec.Type = "LoadBalancer";
            // Cluster would replace the clients' addresses by a host's; see docs/client-address.md.
            resource.Service.Spec.ExternalTrafficPolicy = "Local";
            resource.AdditionalResources.Add(ChartPolicies.Disruption(resource));
            resource.AdditionalResources.Add(ChartPolicies.Peers(resource));
        });
        api.PublishAsKubernetesService(resource =>
        {
            // A new pod has to be found by the balancers before an old one leaves.
            resource.ShapePods(minReadySeconds: 12);
            resource.NamePods();
            // Headless: the name stands for the pods' own addresses, and the balancers choose.
            resource.Service!.Spec.ClusterIp = "None";
            // The autoscaler counts.
            resource.Deployment().Spec.Replicas = null;
            resource.AdditionalResources.Add(ChartPolicies.Autoscaler(resource, PublishedSettings.Nodes));
            resource.AdditionalResources.Add(ChartPolicies.Disruption(resource));
            resource.AdditionalResources.Add(ChartPolicies.OnlyFromBalancers(resource));
        });
    }
}
