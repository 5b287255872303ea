namespace Kiro.Balancer.Selection;

/// <summary>A node as the hash knows it.</summary>
/// <param name="Id">Stable: the same after a restart and on every balancer.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
internal readonly record struct HashNode(string Id, double Weight);
