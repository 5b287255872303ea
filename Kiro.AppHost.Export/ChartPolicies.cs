using Aspire.Hosting.Kubernetes;
using Kiro.AppHost.Published;

namespace Kiro.AppHost.Export;

/// <summary>Autoscaling, disruption budgets and network policies.</summary>
internal static class ChartPolicies
{
    private const string Component = "app.kubernetes.io/component";

    public static ChartObject Autoscaler(KubernetesResource nodes, int atLeast) => new(
        "autoscaling/v2", "HorizontalPodAutoscaler", nodes.Deployment().Metadata.Name.Replace("deployment", "autoscaler", StringComparison.Ordinal), new()
        {
            ["scaleTargetRef"] = new Dictionary<string, object> { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = nodes.Deployment().Metadata.Name },
            ["minReplicas"] = atLeast,
            ["maxReplicas"] = 20,
            ["metrics"] = new object[]
            {
                new Dictionary<string, object>
                {
                    ["type"] = "Resource",
                    ["resource"] = new Dictionary<string, object>
                    {
                        ["name"] = "cpu",
                        ["target"] = new Dictionary<string, object> { ["type"] = "Utilization", ["averageUtilization"] = 70 },
                    },
                },
            },
            // Scale down slowly, because every step moves clients.
            ["behavior"] = new Dictionary<string, object>
            {
                ["scaleDown"] = new Dictionary<string, object>
                {
                    ["stabilizationWindowSeconds"] = 600,
                    ["policies"] = new object[] { new Dictionary<string, object> { ["type"] = "Pods", ["value"] = 1, ["periodSeconds"] = 120 } },
                },
            },
        });

    public static ChartObject Disruption(KubernetesResource service) => new(
        "policy/v1", "PodDisruptionBudget", service.Deployment().Metadata.Name.Replace("deployment", "budget", StringComparison.Ordinal), new()
        {
            ["maxUnavailable"] = 1,
            ["selector"] = Selector(service.Deployment().Spec.Selector.MatchLabels),
        });

    /// <summary>The Service through which balancers find each other to propagate admin actions, including pods that are not ready yet.</summary>
    public static ChartObject Peers(KubernetesResource balancer) => new(
        "v1", "Service", balancer.Deployment().Metadata.Name.Replace("deployment", "peers", StringComparison.Ordinal), new()
        {
            ["clusterIP"] = "None",
            ["publishNotReadyAddresses"] = true,
            ["selector"] = balancer.Deployment().Spec.Selector.MatchLabels,
            ["ports"] = new object[]
            {
                new Dictionary<string, object> { ["name"] = "http", ["protocol"] = "TCP", ["port"] = PublishedSettings.BalancerPort },
            },
        });

    /// <summary>
    /// Only balancers can reach the nodes, so the nodes can trust X-Forwarded-For. Needs a network plugin that enforces
    /// it. (All such plugins admit probes from the pod's host.)
    /// </summary>
    public static ChartObject OnlyFromBalancers(KubernetesResource nodes)
    {
        var labels = nodes.Deployment().Spec.Selector.MatchLabels;
        return new("networking.k8s.io/v1", "NetworkPolicy", nodes.Deployment().Metadata.Name.Replace("deployment", "network", StringComparison.Ordinal), new()
        {
            ["podSelector"] = Selector(labels),
            ["policyTypes"] = new object[] { "Ingress" },
            ["ingress"] = new object[]
            {
                new Dictionary<string, object>
                {
                    ["from"] = new object[]
                    {
                        new Dictionary<string, object> { ["podSelector"] = Selector(new(labels) { [Component] = "balancer" }) },
                    },
                    ["ports"] = new object[] { new Dictionary<string, object> { ["port"] = "http" } },
                },
            },
        });
    }

    private static Dictionary<string, object> Selector(Dictionary<string, string> labels) => new() { ["matchLabels"] = labels };
}
