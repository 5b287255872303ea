using Kiro.AppHost.Settings;

namespace Kiro.AppHost.Export;

/// <summary>Publish mode: which files come out.</summary>
internal static class Exports
{
    /// <summary>Adds the publisher that <c>EXPORT</c> names; the JSON manifest needs none.</summary>
    public static void AddExport(
        this IDistributedApplicationBuilder builder,
        AppHostSettings settings,
        IResourceBuilder<ProjectResource> balancer,
        IReadOnlyList<IResourceBuilder<ProjectResource>> nodes)
    {
        switch (settings.Export)
        {
            case ExportKind.Cluster or ExportKind.Scale:
                builder.AddComposeFiles(settings.Export, balancer, nodes);
                break;
            case ExportKind.Kubernetes:
                builder.AddChart(settings.Nodes, balancer, nodes.Single());
                break;
        }
    }
}
