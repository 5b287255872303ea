using Kiro.Api.Nodes;

namespace Kiro.Api.Status;

/// <summary>The cluster, and how many of its nodes are up.</summary>
internal sealed record ClusterAnswer(int Total, int Up, IReadOnlyList<NodeAnswer> Nodes);
