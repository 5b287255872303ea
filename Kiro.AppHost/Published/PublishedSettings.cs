using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost.Published;

/// <summary>The settings of the published files: parameters of the model with their defaults.</summary>
internal static class PublishedSettings
{
    /// <summary>The minimum number of nodes.</summary>
    public const int Nodes = 5;

    public const int BalancerPort = 13003;

    /// <summary>The port of the first node, or of all if they have their own addresses.</summary>
    public const int FirstPort = 13004;

    /// <summary>The balancer's state file, and the folder with its volume.</summary>
    public const string StateFolder = "/var/lib/kiro", StateFile = StateFolder + "/state.json";

    /// <summary>The variable of the balancer's address in the compose files, and its default; the nodes trust only this address.</summary>
    public static readonly (string Name, string Fallback) ComposeBalancer = ("KIRO_BALANCER_ADDRESS", "172.31.13.2");

    /// <summary>The version of the images.</summary>
    public static string Version { get; } = typeof(PublishedSettings).Assembly.GetName().Version!.ToString(3);

    /// <summary>Adds a variable that users can set under the same name.</summary>
    public static IResourceBuilder<ProjectResource> WithSetting(this IResourceBuilder<ProjectResource> service, string name, string fallback) =>
        service.WithEnvironment(name, service.ApplicationBuilder.AddSetting(name, fallback));

    /// <summary>The same for a secret, which has no default and is not written to files.</summary>
    public static IResourceBuilder<ProjectResource> WithSecret(this IResourceBuilder<ProjectResource> service, string name) =>
        service.WithEnvironment(name, service.ApplicationBuilder.AddSetting(name, "", secret: true));

    /// <summary>The parameter of that name, shared by services.</summary>
    public static IResourceBuilder<ParameterResource> AddSetting(
        this IDistributedApplicationBuilder builder, string name, string fallback, bool secret = false)
    {
        var parameter = builder.Resources.OfType<ParameterResource>().SingleOrDefault(known => VariableOf(known) == name);
        return parameter is null
            // Parameter names must not contain underscores; publishers convert mysql-host back to MYSQL_HOST.
            ? builder.AddParameter(name.ToLowerInvariant().Replace('_', '-'), fallback, publishValueAsDefault: !secret, secret: secret)
            : builder.CreateResourceBuilder(parameter);
    }

    /// <summary>The name of the variable that sets a parameter.</summary>
    public static string VariableOf(ParameterResource parameter) => parameter.Name.ToUpperInvariant().Replace('-', '_');

    /// <summary>Removes variables that Aspire adds and Kiro's services do not read.</summary>
    public static IResourceBuilder<ProjectResource> WithoutDefaults(this IResourceBuilder<ProjectResource> service) =>
        service.DisableForwardedHeaders().WithEnvironment(context =>
        {
            foreach (var name in context.EnvironmentVariables.Keys.Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal)).ToList())
            {
                context.EnvironmentVariables.Remove(name);
            }
        });

    /// <summary>Settings of both services.</summary>
    public static IResourceBuilder<ProjectResource> WithSharedSettings(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ParameterResource> token) => service
        .WithEnvironment("ADMIN_TOKEN", token)
        .WithSetting("DRAIN_DELAY", "5")
        .WithSetting("DRAIN_TIMEOUT", "30")
        .WithSetting("OTEL_EXPORTER_OTLP_ENDPOINT", "");
}

/// <summary>What is published: <c>EXPORT</c>, in publish mode only.</summary>
internal enum ExportKind
{
    /// <summary>Unset: the JSON manifest, published by Kiro.AppHost; the others by Kiro.AppHost.Export.</summary>
    Manifest,

    /// <summary><c>cluster</c>: a compose file with fixed nodes.</summary>
    Cluster,

    /// <summary><c>scale</c>: a compose file of one service with any number of nodes.</summary>
    Scale,

    /// <summary><c>kubernetes</c>: a Helm chart.</summary>
    Kubernetes,
}

internal static class ExitCode
{
    /// <summary>Runs the application; returns 1 if a publishing step failed, which Aspire only logs.</summary>
    public static int RunToExitCode(this DistributedApplication application)
    {
        // Resolving the pipeline would freeze the resources before the dashboard is added at startup.
        var isPublishing = application.Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode;
        List<BackgroundService> work = isPublishing ? [.. application.Services.GetServices<IHostedService>().OfType<BackgroundService>()] : [];
        application.Run();
        return work.Exists(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
    }
}
