namespace Kiro.AppHost.Published;

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
