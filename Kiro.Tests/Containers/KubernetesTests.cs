using System.Text;
using k8s;
using k8s.Models;

namespace Kiro.Tests.Containers;

/// <summary>The chart, rendered, against the typed models of Kubernetes: a field that does not exist is an error.</summary>
public sealed class KubernetesTests
{
    private static readonly Lazy<IReadOnlyList<object>> Objects = new(() => Load(new Chart()));

    [Fact]
    public void Templates_ParsedStrictly_AreTheObjectsThatAreExpected()
    {
        var kinds = Objects.Value.Cast<IKubernetesObject<V1ObjectMeta>>().Select(item => $"{item.Kind}/{item.Metadata.Name}");

        Assert.Equal(
            ["ConfigMap/api-config", "ConfigMap/balancer-config", "Deployment/api-deployment", "Deployment/balancer-deployment",
                "HorizontalPodAutoscaler/api-autoscaler", "NetworkPolicy/api-network", "PodDisruptionBudget/api-budget",
                "PodDisruptionBudget/balancer-budget", "Secret/api-secrets", "Secret/balancer-secrets", "Service/api-service", "Service/balancer-service"],
            kinds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void LoadAllFromString_UnknownField_IsAnError()
    {
        var deployment = new Chart().Render(Chart.Templates.First(file => file.EndsWith("deployment.yaml", StringComparison.Ordinal)));

        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(
            deployment.Replace("readinessProbe:", "readynessProbe:", StringComparison.Ordinal), strict: true));
    }

    [Fact]
    public void Values_AreAllUsed()
    {
        var chart = new Chart();
        Load(chart);

        Assert.Equal(chart.Values.Order(StringComparer.Ordinal), chart.Asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Secrets_AreEmptyUntilTheyAreSet_AndMayHoldAnything()
    {
        const string Password = "a;b \"c' \\d: {e}";
        var chart = new Chart();
        Assert.All(Load(chart).OfType<V1Secret>().SelectMany(secret => secret.Data.Values), value => Assert.True(value is null or []));

        chart.Set("secrets.api.mysql_password", Password);
        var secret = Load(chart).OfType<V1Secret>().Single(secret => secret.Metadata.Name == "api-secrets");
        Assert.Equal(Password, Encoding.UTF8.GetString(secret.Data["MYSQL_PASSWORD"]));
    }

    [Theory]
    [InlineData("api")]
    [InlineData("balancer")]
    public void Deployment_Pods_AskTheRightEndpointsAndHaveTimeToLeave(string name)
    {
        var deployment = Single<V1Deployment>($"{name}-deployment");
        var pod = deployment.Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);
        var settings = Single<V1ConfigMap>($"{name}-config").Data;

        Assert.Equal("/health", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.LivenessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.StartupProbe.HttpGet.Path);
        Assert.All([container.ReadinessProbe, container.LivenessProbe, container.StartupProbe],
            probe => Assert.Equal(Assert.Single(container.Ports).Name, probe.HttpGet.Port.Value));
        // CoreDNS keeps an answer for 5 s.
        Assert.True(container.Lifecycle.PreStop.Sleep.Seconds > Number(Single<V1ConfigMap>("balancer-config").Data, "DNS_INTERVAL") + 5);
        Assert.True(pod.TerminationGracePeriodSeconds
            >= container.Lifecycle.PreStop.Sleep.Seconds + Number(settings, "DRAIN_DELAY") + Number(settings, "DRAIN_TIMEOUT") + 15);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.False(pod.EnableServiceLinks);
        Assert.Equal(2, pod.TopologySpreadConstraints.Count);
        Assert.Equal(deployment.Spec.Selector.MatchLabels, deployment.Spec.Template.Metadata.Labels);
        Assert.StartsWith($"registry.example/kiro-{name}:", container.Image, StringComparison.Ordinal);
        // What it takes its settings from is there.
        Assert.All(container.EnvFrom, source => Assert.Contains(Objects.Value.Cast<IKubernetesObject<V1ObjectMeta>>(),
            item => item.Metadata.Name == (source.ConfigMapRef?.Name ?? source.SecretRef.Name)));
    }

    [Fact]
    public void Services_HideNeitherNodesNorClients()
    {
        var nodes = Single<V1Service>("api-service");
        var balancer = Single<V1Service>("balancer-service");

        Assert.Equal("None", nodes.Spec.ClusterIP);
        Assert.Equal(nodes.Metadata.Name, Single<V1ConfigMap>("balancer-config").Data["BACKEND_DNS"]);
        Assert.Equal("LoadBalancer", balancer.Spec.Type);
        Assert.Equal("Local", balancer.Spec.ExternalTrafficPolicy);
        Assert.Equal(13003, Assert.Single(balancer.Spec.Ports).Port);
        Assert.Equal(2, Single<V1Deployment>("balancer-deployment").Spec.Replicas);
        Assert.Equal(5, Single<V2HorizontalPodAutoscaler>("api-autoscaler").Spec.MinReplicas);
        // Two that count would work against each other.
        Assert.Null(Single<V1Deployment>("api-deployment").Spec.Replicas);
    }

    [Fact]
    public void NetworkPolicy_OfTheNodes_LetsOnlyBalancersIn()
    {
        var policy = Single<V1NetworkPolicy>("api-network").Spec;

        Assert.Equal(Single<V1Deployment>("api-deployment").Spec.Selector.MatchLabels, policy.PodSelector.MatchLabels);
        var from = Assert.Single(Assert.Single(policy.Ingress).FromProperty);
        Assert.Equal(Single<V1Deployment>("balancer-deployment").Spec.Selector.MatchLabels, from.PodSelector.MatchLabels);
    }

    private static IReadOnlyList<object> Load(Chart chart) =>
        [.. Chart.Templates.SelectMany(file => KubernetesYaml.LoadAllFromString(chart.Render(file), strict: true))];

    private static int Number(IDictionary<string, string> settings, string variable) => int.Parse(settings[variable], null);

    private static T Single<T>(string name) where T : IKubernetesObject<V1ObjectMeta> =>
        Objects.Value.OfType<T>().Single(item => item.Metadata.Name == name);
}
