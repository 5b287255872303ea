namespace Kiro.Api.Status;

/// <summary>The cluster, and how many of its nodes are up.</summary>
internal sealed record ClusterAnswer(int Total, int Up, IReadOnlyList<NodeSummary> Nodes);
