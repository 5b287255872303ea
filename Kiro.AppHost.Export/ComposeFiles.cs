using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost.Export;

/// <summary>docker-compose.cluster.yml with docker-compose.host.yml, or docker-compose.scale.yml.</summary>
internal static class ComposeFiles
{
    private const string Publisher = "compose";

    public static void AddComposeFiles(
        this IDistributedApplicationBuilder builder,
        ExportKind export,
        IResourceBuilder<ProjectResource> balancer,
        IReadOnlyList<IResourceBuilder<ProjectResource>> nodes)
    {
        var defaults = builder.Resources.OfType<ParameterResource>()
            .ToDictionary(PublishedSettings.VariableOf, parameter => parameter.GetValueAsync(default).AsTask().GetAwaiter().GetResult() ?? "");
        ComposeFile? file = null;
        builder.AddDockerComposeEnvironment(Publisher)
            .WithDashboard(false)
            .WithProperties(environment => environment.DefaultNetworkName = ComposeNetwork.Name)
            .ConfigureEnvFile(variables => variables.Clear())
            .ConfigureComposeFile(published =>
            {
                published.Version = "2.4";
                published.AddNetwork(ComposeNetwork.Describe());
                file = published;
            });

        balancer.PublishAsDockerComposeService((_, service) =>
        {
            service.Shape("Kiro.Balancer", defaults);
            service.Ports = [$"${{BALANCER_PORT:-{service.Environment["BALANCER_PORT"]}}}:{service.Environment["BALANCER_PORT"]}"];
        });
        foreach (var node in nodes)
        {
            node.PublishAsDockerComposeService((_, service) =>
            {
                service.Shape("Kiro.Api", defaults);
                service.ExtraHosts["host.docker.internal"] = "host-gateway";
                if (export == ExportKind.Cluster)
                {
                    // Published for administration, so only on this machine.
                    service.Ports = [$"127.0.0.1:{service.Environment["PORT"]}:{service.Environment["PORT"]}"];
                }
            });
        }

        builder.Pipeline.AddStep("write-" + Publisher, context => WriteAsync(context, export, file!),
            dependsOn: "publish-" + Publisher, requiredBy: WellKnownPipelineSteps.Publish);
    }

    // The publisher supports neither file names nor fixed addresses.
    private static async Task WriteAsync(PipelineStepContext context, ExportKind export, ComposeFile file)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        File.Delete(Path.Combine(folder, "docker-compose.yaml"));
        if (export == ExportKind.Scale)
        {
            await SaveAsync("docker-compose.scale.yml", ComposeText.Scale, ComposeText.WithState(ComposeText.WithBalancerAddress(file), "balancer"));
            return;
        }

        await SaveAsync("docker-compose.cluster.yml", ComposeText.Cluster, ComposeText.WithState(ComposeText.WithBalancerAddress(file), "balancer"));
        await SaveAsync("docker-compose.host.yml", ComposeText.Host, ComposeText.WithState(HostBalancer.Of(file).ToYaml(), "balancer-host"));

        Task SaveAsync(string name, string comment, string text) =>
            File.WriteAllTextAsync(Path.Combine(folder, name), comment + text, context.CancellationToken);
    }
}
