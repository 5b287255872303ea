using System.Text;
using k8s;
using k8s.Models;

namespace Kiro.Tests.Containers;

/// <summary>The chart as rendered by Helm, parsed strictly into the typed Kubernetes models: an unknown field is an error.</summary>
public sealed class KubernetesTests : IAsyncLifetime
{
    private IReadOnlyList<object> _objects = [];

    public async ValueTask InitializeAsync() => _objects = await LoadAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Lint_Strict_FindsNothing() =>
        Assert.Contains("0 chart(s) failed", await Chart.HelmAsync("lint", "--strict", "kubernetes"), StringComparison.Ordinal);

    [Fact]
    public void Templates_ParsedStrictly_AreTheExpectedObjects()
    {
        Assert.Equal(
            ["ConfigMap/kiro-api-config", "ConfigMap/kiro-balancer-config", "Deployment/kiro-api-deployment", "Deployment/kiro-balancer-deployment",
                "HorizontalPodAutoscaler/kiro-api-autoscaler", "NetworkPolicy/kiro-api-network", "PodDisruptionBudget/kiro-api-budget",
                "PodDisruptionBudget/kiro-balancer-budget", "Secret/kiro-api-secrets", "Secret/kiro-balancer-secrets", "Service/kiro-api-service", "Service/kiro-balancer-peers",
                "Service/kiro-balancer-service"],
            Names(_objects).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task LoadAllFromString_UnknownField_IsAnError()
    {
        var text = await Chart.RenderAsync();

        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(
            text.Replace("readinessProbe:", "readynessProbe:", StringComparison.Ordinal), strict: true));
    }

    [Fact]
    public async Task Values_All_AreUsed()
    {
        var values = Chart.Values.Select((path, number) => (Path: path, Mark: $"mark{number}end")).ToList();
        var text = await Chart.RenderAsync([.. values.SelectMany(value => (string[])["--set-string", $"{value.Path}={value.Mark}"])]);

        Assert.All(values, value => Assert.True(
            text.Contains(value.Mark, StringComparison.Ordinal) || text.Contains(Convert.ToBase64String(Encoding.UTF8.GetBytes(value.Mark)), StringComparison.Ordinal),
            $"No template uses {value.Path}."));
        Assert.Equal(values.Count, values.Select(value => value.Path).Distinct().Count());
    }

    /// <summary>An unescaped quote in a value would end the quotes that the publisher puts around it.</summary>
    [Theory]
    [InlineData("a;b \"c' \\d: {e}")]
    [InlineData("{{ .Release.Name }}")]
    [InlineData("1e6")]
    [InlineData("no")]
    [InlineData("# é\n")]
    public async Task Values_AnyText_ArrivesUnchanged(string text)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        var objects = await LoadAsync("--set-file", "secrets.api.mysql_password=" + file, "--set-file", "config.api.mysql_user=" + file);
        File.Delete(file);

        Assert.Equal(text, Encoding.UTF8.GetString(Single<V1Secret>("kiro-api-secrets", objects).Data["MYSQL_PASSWORD"]));
        Assert.Equal(text, Single<V1ConfigMap>("kiro-api-config", objects).Data["MYSQL_USER"]);
    }

    [Fact]
    public async Task Values_Numbers_AreStringsInTheEnvironment()
    {
        var objects = await LoadAsync("--set", "config.api.mysql_port=3307,config.balancer.dns_interval=2");

        Assert.Equal("3307", Single<V1ConfigMap>("kiro-api-config", objects).Data["MYSQL_PORT"]);
        Assert.Equal("2", Single<V1ConfigMap>("kiro-balancer-config", objects).Data["DNS_INTERVAL"]);
    }

    [Fact]
    public async Task Replicas_SetByValues_AreApplied()
    {
        var objects = await LoadAsync("--set", "parameters.balancer.replicas=3,parameters.api.min_replicas=7,parameters.api.max_replicas=9");
        var autoscaler = Single<V2HorizontalPodAutoscaler>("kiro-api-autoscaler", objects).Spec;

        Assert.Equal(3, Single<V1Deployment>("kiro-balancer-deployment", objects).Spec.Replicas);
        Assert.Equal((7, 9), (autoscaler.MinReplicas, autoscaler.MaxReplicas));
    }

    [Fact]
    public async Task Names_TwoReleasesInANamespace_DoNotCollide()
    {
        Assert.Empty(Names(_objects).Intersect(Names(Parse(await Chart.HelmAsync("template", "other", "kubernetes")))));
    }

    [Theory]
    [InlineData("kiro.example.test")]
    // The maximum length in Helm.
    [InlineData("abcdefghijabcdefghijabcdefghijabcdefghij-abcdefghijkl")]
    [InlineData("abcdefghijabcdefghijabcdefghijabcdefghi.k")]
    public async Task Names_LongReleaseName_AreValidForAService(string release)
    {
        var objects = Parse(await Chart.HelmAsync("template", release, "kubernetes"));

        Assert.All(objects.OfType<V1Service>(), service => Assert.Matches("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", service.Metadata.Name));
        Assert.Contains(objects.OfType<V1Service>(),
            service => service.Metadata.Name == objects.OfType<V1ConfigMap>().Single(map => map.Data.ContainsKey("BACKEND_DNS")).Data["BACKEND_DNS"]);
    }

    [Fact]
    public void Secrets_ByDefault_AreEmpty()
    {
        Assert.All(_objects.OfType<V1Secret>().SelectMany(secret => secret.Data.Values), value => Assert.True(value is null or []));
    }

    [Theory]
    [InlineData("api")]
    [InlineData("balancer")]
    public void Deployment_Pods_HaveTheRightProbesAndTimeToDrain(string name)
    {
        var deployment = Single<V1Deployment>($"kiro-{name}-deployment");
        var pod = deployment.Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);
        var settings = Single<V1ConfigMap>($"kiro-{name}-config").Data;

        Assert.Equal("/health", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.LivenessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.StartupProbe.HttpGet.Path);
        Assert.All([container.ReadinessProbe, container.LivenessProbe, container.StartupProbe],
            probe => Assert.Equal(Assert.Single(container.Ports).Name, probe.HttpGet.Port.Value));
        // CoreDNS caches a response for 5 s.
        Assert.True(container.Lifecycle.PreStop.Sleep.Seconds > Number(Single<V1ConfigMap>("kiro-balancer-config").Data, "DNS_INTERVAL") + 5);
        Assert.True(pod.TerminationGracePeriodSeconds
            >= container.Lifecycle.PreStop.Sleep.Seconds + Number(settings, "DRAIN_DELAY") + Number(settings, "DRAIN_TIMEOUT") + 15);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.False(pod.EnableServiceLinks);
        Assert.Equal(2, pod.TopologySpreadConstraints.Count);
        Assert.Equal(deployment.Spec.Selector.MatchLabels, deployment.Spec.Template.Metadata.Labels);
        Assert.StartsWith($"registry.example/kiro-{name}:", container.Image, StringComparison.Ordinal);
        // Every source of its environment exists.
        Assert.All(container.EnvFrom, source => Assert.Contains(_objects.Cast<IKubernetesObject<V1ObjectMeta>>(),
            item => item.Metadata.Name == (source.ConfigMapRef?.Name ?? source.SecretRef.Name)));
    }

    [Fact]
    public void Services_ByDefault_HideNeitherNodesNorClients()
    {
        var nodes = Single<V1Service>("kiro-api-service");
        var balancer = Single<V1Service>("kiro-balancer-service");

        Assert.Equal("None", nodes.Spec.ClusterIP);
        Assert.Equal(nodes.Metadata.Name, Single<V1ConfigMap>("kiro-balancer-config").Data["BACKEND_DNS"]);
        Assert.Equal("LoadBalancer", balancer.Spec.Type);
        Assert.Equal("Local", balancer.Spec.ExternalTrafficPolicy);
        Assert.Equal(13003, Assert.Single(balancer.Spec.Ports).Port);
        Assert.Equal(2, Single<V1Deployment>("kiro-balancer-deployment").Spec.Replicas);
        Assert.Equal(5, Single<V2HorizontalPodAutoscaler>("kiro-api-autoscaler").Spec.MinReplicas);
        // A fixed count would conflict with the autoscaler.
        Assert.Null(Single<V1Deployment>("kiro-api-deployment").Spec.Replicas);
    }

    [Fact]
    public async Task Tls_NamedSecret_IsMountedAndServed()
    {
        var objects = await LoadAsync("--set", "parameters.balancer.tls_secret=kiro-tls");
        var pod = objects.OfType<V1Deployment>().Single(item => item.Metadata.Name == "kiro-balancer-deployment").Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);

        Assert.Equal("kiro-tls", pod.Volumes.Single(volume => volume.Name == "tls").Secret.SecretName);
        Assert.Equal(["13443", "/etc/kiro/tls"], container.Env.Select(variable => variable.Value));
        Assert.Equal("/etc/kiro/tls/site", container.VolumeMounts.Single(mount => mount.Name == "tls").MountPath);
        Assert.Equal([13003, 13443], container.Ports.Select(port => port.ContainerPort));
        Assert.Equal([13003, 443], objects.OfType<V1Service>().Single(item => item.Metadata.Name == "kiro-balancer-service").Spec.Ports.Select(port => port.Port));
        Assert.DoesNotContain(Single<V1Deployment>("kiro-balancer-deployment").Spec.Template.Spec.Volumes, volume => volume.Name == "tls");
    }

    [Theory]
    [InlineData("secrets.balancer.admin_token=change-me", true)]
    [InlineData("secrets.balancer.admin_token=change-me,config.balancer.admin_listen=0.0.0.0:13002", true)]
    // Peers cannot reach a loopback listener.
    [InlineData("secrets.balancer.admin_token=change-me,config.balancer.admin_listen=127.0.0.1:13002", false)]
    [InlineData("secrets.balancer.admin_token=change-me,config.balancer.admin_listen=[::1]:13002", false)]
    // Without an admin token, no peer is authorised.
    [InlineData("config.balancer.admin_listen=", false)]
    public async Task Peers_ThatCanReachEachOther_AreFoundByName(string settings, bool areFound)
    {
        var objects = await LoadAsync("--set", settings);
        var service = Single<V1Service>("kiro-balancer-peers", objects).Spec;

        Assert.Equal(areFound ? "kiro-balancer-peers" : null, Single<V1ConfigMap>("kiro-balancer-config", objects).Data.TryGetValue("BALANCER_PEERS", out var name) ? name : null);
        Assert.Equal(("None", true), (service.ClusterIP, service.PublishNotReadyAddresses));
        Assert.Equal(Single<V1Deployment>("kiro-balancer-deployment", objects).Spec.Selector.MatchLabels, service.Selector);
    }

    [Fact]
    public void StateFile_OfABalancer_OutlivesItsContainer()
    {
        var pod = Single<V1Deployment>("kiro-balancer-deployment").Spec.Template.Spec;
        var volume = Assert.Single(pod.Volumes);
        var mount = Assert.Single(Assert.Single(pod.Containers).VolumeMounts);

        Assert.NotNull(volume.EmptyDir);
        Assert.Equal((volume.Name, "/var/lib/kiro"), (mount.Name, mount.MountPath));
        Assert.Equal("/var/lib/kiro/state.json", Single<V1ConfigMap>("kiro-balancer-config").Data["STATE_FILE"]);
    }

    [Fact]
    public void NetworkPolicy_OfTheNodes_AdmitsOnlyBalancers()
    {
        var policy = Single<V1NetworkPolicy>("kiro-api-network").Spec;

        Assert.Equal(Single<V1Deployment>("kiro-api-deployment").Spec.Selector.MatchLabels, policy.PodSelector.MatchLabels);
        var from = Assert.Single(Assert.Single(policy.Ingress).FromProperty);
        Assert.Equal(Single<V1Deployment>("kiro-balancer-deployment").Spec.Selector.MatchLabels, from.PodSelector.MatchLabels);
    }

    private static async Task<IReadOnlyList<object>> LoadAsync(params string[] settings) => Parse(await Chart.RenderAsync(settings));

    private static IReadOnlyList<object> Parse(string text) => [.. KubernetesYaml.LoadAllFromString(text, strict: true)];

    private static IEnumerable<string> Names(IEnumerable<object> objects) =>
        objects.Cast<IKubernetesObject<V1ObjectMeta>>().Select(item => $"{item.Kind}/{item.Metadata.Name}");

    private static int Number(IDictionary<string, string> settings, string variable) => int.Parse(settings[variable], null);

    private T Single<T>(string name, IReadOnlyList<object>? objects = null) where T : IKubernetesObject<V1ObjectMeta> =>
        (objects ?? _objects).OfType<T>().Single(item => item.Metadata.Name == name);
}
