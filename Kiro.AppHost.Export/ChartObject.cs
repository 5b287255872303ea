using Aspire.Hosting.Kubernetes.Resources;

namespace Kiro.AppHost.Export;

/// <summary>An object for which the publisher has no suitable class.</summary>
internal sealed class ChartObject : BaseKubernetesResource
{
    public ChartObject(string apiVersion, string kind, string name, Dictionary<string, object> spec)
        : base(apiVersion, kind)
    {
        Metadata.Name = name;
        Spec = spec;
    }

    /// <summary>The spec as written to the file.</summary>
    public Dictionary<string, object> Spec { get; }
}
