using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace Kiro.AppHost.Export;

/// <summary>How a pod of the chart starts, shows its health and leaves, and what it may do.</summary>
internal static class ChartPods
{
    /// <summary>The publisher's deployment.</summary>
    public static Deployment Deployment(this KubernetesResource resource) => (Deployment)resource.Workload!;

    /// <summary>Shapes the pods of a service.</summary>
    /// <param name="resource">What the publisher made.</param>
    /// <param name="minReadySeconds">For so long a new pod is ready before an old one leaves.</param>
    public static void ShapePods(this KubernetesResource resource, int minReadySeconds)
    {
        resource.EncodeSecrets();
        var deployment = resource.Deployment();
        deployment.Spec.Strategy.RollingUpdate = new() { MaxSurge = 1, MaxUnavailable = 0 };
        deployment.Spec.MinReadySeconds = minReadySeconds;

        var pod = deployment.Spec.Template.Spec;
        pod.AutomountServiceAccountToken = false;
        // Services would otherwise set variables in every pod, such as BALANCER_SERVICE_PORT.
        pod.EnableServiceLinks = false;
        // More than preStop + DRAIN_DELAY + DRAIN_TIMEOUT.
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
        // 503 while it drains. A database that is away does not make a node unready.
        container.ReadinessProbe = Probe("/health", period: 2, timeout: 3, failures: 2);
        container.LivenessProbe = Probe("/alive", period: 10, timeout: 5, failures: 6);
        container.StartupProbe = Probe("/alive", period: 1, timeout: 1, failures: 60);
        // The pod is out of DNS at once; it hears of its end when every balancer must have noticed: DNS_INTERVAL and the 5 s
        // that CoreDNS keeps a response have passed. (Needs Kubernetes 1.30 or later, and no shell.)
        container.Lifecycle = new() { PreStop = new() { Sleep = new() { Seconds = 12 }, Exec = null!, HttpGet = null!, TcpSocket = null! }, PostStart = null! };
        container.Resources = new() { Requests = { ["cpu"] = "100m", ["memory"] = "128Mi" }, Limits = { ["memory"] = "512Mi" } };
        container.SecurityContext = new()
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new() { Drop = { "ALL" } },
        };
    }

    /// <summary>Encodes the secrets, so that they may hold quotes: the publisher puts them between quotes as they are.</summary>
    private static void EncodeSecrets(this KubernetesResource resource)
    {
        foreach (var (name, value) in resource.Secret!.StringData)
        {
            resource.Secret.Data[name] = value.Replace(" }}", " | toString | b64enc }}", StringComparison.Ordinal);
        }

        resource.Secret.StringData.Clear();
    }

    /// <summary>Lets each node be called as its pod is.</summary>
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
