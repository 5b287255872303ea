namespace Kiro.AppHost.Published;

/// <summary>What is published: <c>EXPORT</c>, in publish mode only.</summary>
internal enum ExportKind
{
    /// <summary>Unset: the JSON manifest, by Kiro.AppHost. The others are Kiro.AppHost.Export's.</summary>
    Manifest,

    /// <summary><c>cluster</c>: a compose file of fixed nodes.</summary>
    Cluster,

    /// <summary><c>scale</c>: a compose file of one service with as many nodes as are asked for.</summary>
    Scale,

    /// <summary><c>kubernetes</c>: a Helm chart.</summary>
    Kubernetes,
}
