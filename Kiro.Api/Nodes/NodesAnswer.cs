namespace Kiro.Api.Nodes;

/// <summary>The cluster.</summary>
/// <param name="Node">Who answers.</param>
/// <param name="Database"><c>down</c> when this is what was last known.</param>
/// <param name="Nodes">In the order of their names.</param>
internal sealed record NodesAnswer(string Node, string Database, IReadOnlyList<NodeAnswer> Nodes);
