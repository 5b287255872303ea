using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace Kiro.AppHost.Export;

/// <summary>Startup, probes, shutdown and security context of the chart's pods.</summary>
internal static class ChartPods
{
    /// <summary>The publisher's deployment.</summary>
    public static Deployment Deployment(this KubernetesResource resource) => (Deployment)resource.Workload!;

    /// <summary>Customises the pods of a service.</summary>
    /// <param name="resource">The publisher's resource.</param>
    /// <param name="minReadySeconds">How long a new pod must be ready before an old one stops.</param>
    public static void ShapePods(this KubernetesResource resource, int minReadySeconds)
    {
        resource.EncodeSecrets();
        var deployment = resource.Deployment();
        deployment.Spec.Strategy.RollingUpdate = new() { MaxSurge = 1, MaxUnavailable = 0 };
        deployment.Spec.MinReadySeconds = minReadySeconds;

        var pod = deployment.Spec.Template.Spec;
        pod.AutomountServiceAccountToken = false;
        // Otherwise services set variables such as BALANCER_SERVICE_PORT in every pod.
        pod.EnableServiceLinks = false;
        // Longer than preStop + DRAIN_DELAY + DRAIN_TIMEOUT.
        pod.TerminationGracePeriodSeconds = 65;
        pod.SecurityContext = new()
        {
            RunAsNonRoot = true,
            RunAsUser = 1654,
            RunAsGroup = 1654,
            SeccompProfile = new() { Type = "RuntimeDefault" },
        };
        pod.TopologySpreadConstraints.Add(Spread("topology.kubernetes.io/zone", deployment));
        pod.TopologySpreadConstraints.Add(Spread("kubernetes.io/hostname", deployment));

        var container = pod.Containers.Single();
        // 503 while draining. An unavailable database does not make a node unready.
        container.ReadinessProbe = Probe("/health", period: 2, timeout: 3, failures: 2);
        container.LivenessProbe = Probe("/alive", period: 10, timeout: 5, failures: 6);
        container.StartupProbe = Probe("/alive", period: 1, timeout: 1, failures: 60);
        // The pod is removed from DNS immediately, but gets SIGTERM only after every balancer must have noticed: DNS_INTERVAL
        // plus the 5 s for which CoreDNS caches responses. (Needs Kubernetes 1.30 or later, but no shell.)
        container.Lifecycle = new() { PreStop = new() { Sleep = new() { Seconds = 12 }, Exec = null!, HttpGet = null!, TcpSocket = null! }, PostStart = null! };
        container.Resources = new() { Requests = { ["cpu"] = "100m", ["memory"] = "128Mi" }, Limits = { ["memory"] = "512Mi" } };
        container.SecurityContext = new()
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new() { Drop = { "ALL" } },
        };
    }

    /// <summary>Encodes the secrets, because the publisher does not escape quotes in them.</summary>
    private static void EncodeSecrets(this KubernetesResource resource)
    {
        foreach (var (name, value) in resource.Secret!.StringData)
        {
            resource.Secret.Data[name] = value.Replace(" }}", " | toString | b64enc }}", StringComparison.Ordinal);
        }

        resource.Secret.StringData.Clear();
    }

    /// <summary>Names each node after its pod.</summary>
    public static void NamePods(this KubernetesResource resource) =>
        resource.Deployment().Spec.Template.Spec.Containers.Single().Env.Add(
            new() { Name = "NODE_NAME", ValueFrom = new() { FieldRef = new() { FieldPath = "metadata.name" } } });

    private static ProbeV1 Probe(string path, int period, int timeout, int failures) => new()
    {
        HttpGet = new() { Path = path, Port = "http" },
        PeriodSeconds = period,
        TimeoutSeconds = timeout,
        FailureThreshold = failures,
    };

    private static TopologySpreadConstraintV1 Spread(string key, Deployment deployment) => new()
    {
        MaxSkew = 1,
        TopologyKey = key,
        WhenUnsatisfiable = "ScheduleAnyway",
        LabelSelector = new() { MatchLabels = new(deployment.Spec.Selector.MatchLabels) },
    };
}
