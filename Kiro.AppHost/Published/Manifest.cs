using Aspire.Hosting.Pipelines;

namespace Kiro.AppHost.Published;

/// <summary>The JSON manifest, the only format that Aspire's core can publish.</summary>
internal static class Manifest
{
    private const string Step = "publish-manifest";

    /// <summary>Adds the published resources, and makes <c>aspire publish</c> write the manifest: without a publisher in the model it
    /// would report success and write nothing.</summary>
    public static void AddManifest(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> token)
    {
        var nodes = builder.PublishNodes(ExportKind.Manifest, token);
        builder.PublishBalancer(ExportKind.Manifest, nodes, token);

        // The default of Aspire's publishers.
        builder.Configuration["Pipeline:OutputPath"] ??= Path.Combine(builder.AppHostDirectory, "aspire-output");
        builder.Pipeline.AddPipelineConfiguration(context =>
        {
            context.Steps.Single(step => step.Name == Step).RequiredBy(WellKnownPipelineSteps.Publish);
            return Task.CompletedTask;
        });
    }
}
