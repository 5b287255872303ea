using Aspire.Hosting.Kubernetes.Resources;

namespace Kiro.AppHost.Export;

/// <summary>An object of a kind that the publisher has no class for, or a class with fields that the kind has not.</summary>
internal sealed class ChartObject : BaseKubernetesResource
{
    public ChartObject(string apiVersion, string kind, string name, Dictionary<string, object> spec)
        : base(apiVersion, kind)
    {
        Metadata.Name = name;
        Spec = spec;
    }

    /// <summary>As it stands in the file.</summary>
    public Dictionary<string, object> Spec { get; }
}
