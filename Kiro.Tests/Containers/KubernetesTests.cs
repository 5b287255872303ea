using k8s;
using k8s.Models;

namespace Kiro.Tests.Containers;

/// <summary>The Kubernetes files against the typed models: a field that does not exist is an error.</summary>
public sealed class KubernetesTests
{
    private static readonly string Folder = Path.Combine(Docker.Root, "compose-export", "kubernetes");

    private static readonly Lazy<IReadOnlyList<object>> Objects = new(() =>
        [.. Files.SelectMany(file => KubernetesYaml.LoadAllFromString(File.ReadAllText(file), strict: true))]);

    private static IEnumerable<string> Files => Directory.GetFiles(Folder).Where(file => Path.GetFileName(file) != "kustomization.yaml");

    [Fact]
    public void Files_ParsedStrictly_AreTheObjectsThatAreExpected()
    {
        var kinds = Objects.Value.Cast<IKubernetesObject<V1ObjectMeta>>().Select(item => $"{item.Kind}/{item.Metadata.Name}");

        Assert.Equal(
            ["ConfigMap/kiro-api-settings", "ConfigMap/kiro-settings", "Deployment/api", "Deployment/balancer", "HorizontalPodAutoscaler/api",
                "Namespace/kiro", "NetworkPolicy/api", "PodDisruptionBudget/api", "PodDisruptionBudget/balancer", "Secret/kiro-mysql", "Service/api", "Service/balancer"],
            kinds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void LoadAllFromString_UnknownField_IsAnError() =>
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(
            File.ReadAllText(Path.Combine(Folder, "api.yaml")).Replace("readinessProbe:", "readynessProbe:", StringComparison.Ordinal), strict: true));

    [Fact]
    public void Kustomization_Resources_AreAllFiles()
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, "kustomization.yaml")).Select(line => line.Trim());

        Assert.Equal(
            Files.Select(file => "- " + Path.GetFileName(file)).Order(StringComparer.Ordinal),
            lines.Where(line => line.EndsWith(".yaml", StringComparison.Ordinal) && line.StartsWith("- ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("api")]
    [InlineData("balancer")]
    public void Deployment_Pods_AskTheRightEndpointsAndHaveTimeToLeave(string name)
    {
        var pod = Single<V1Deployment>(name).Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);
        var settings = Single<V1ConfigMap>("kiro-settings").Data;

        Assert.Equal("/health", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.LivenessProbe.HttpGet.Path);
        // CoreDNS keeps an answer for 5 s.
        Assert.True(container.Lifecycle.PreStop.Sleep.Seconds > Number("DNS_INTERVAL") + 5);
        Assert.True(pod.TerminationGracePeriodSeconds >= container.Lifecycle.PreStop.Sleep.Seconds + Number("DRAIN_DELAY") + Number("DRAIN_TIMEOUT") + 15);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.False(pod.EnableServiceLinks);
        Assert.NotEmpty(pod.TopologySpreadConstraints);

        int Number(string variable) => int.Parse(settings[variable], null);
    }

    [Fact]
    public void Services_HideNeitherNodesNorClients()
    {
        Assert.Equal("None", Single<V1Service>("api").Spec.ClusterIP);
        Assert.Equal("Local", Single<V1Service>("balancer").Spec.ExternalTrafficPolicy);
        Assert.Equal(2, Single<V1Deployment>("balancer").Spec.Replicas);
    }

    private static T Single<T>(string name) where T : IKubernetesObject<V1ObjectMeta> =>
        Objects.Value.OfType<T>().Single(item => item.Metadata.Name == name);
}
