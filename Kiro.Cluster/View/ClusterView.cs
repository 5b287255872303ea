namespace Kiro.Cluster.View;

/// <summary>What is shown of the cluster at one moment, wherever it is known from.</summary>
/// <param name="Head">A few short lines: how it is as a whole, where to look.</param>
/// <param name="Nodes">The nodes, in the order of the table.</param>
/// <param name="Warnings">What somebody should know, in plain words.</param>
internal sealed record ClusterView(IReadOnlyList<string> Head, IReadOnlyList<NodeView> Nodes, IReadOnlyList<string> Warnings);
