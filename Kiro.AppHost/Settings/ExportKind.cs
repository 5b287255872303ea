namespace Kiro.AppHost.Settings;

/// <summary>What is published: <c>EXPORT</c>, in publish mode only.</summary>
internal enum ExportKind
{
    /// <summary>Unset: the JSON manifest.</summary>
    Manifest,

    /// <summary><c>cluster</c>: a compose file of fixed nodes.</summary>
    Cluster,

    /// <summary><c>scale</c>: a compose file of one service with as many nodes as are asked for.</summary>
    Scale,

    /// <summary><c>kubernetes</c>: a Helm chart.</summary>
    Kubernetes,
}
