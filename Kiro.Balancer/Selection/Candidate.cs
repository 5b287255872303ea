namespace Kiro.Balancer.Selection;

/// <summary>A node as the choice knows it, at one moment.</summary>
/// <param name="Id">Stable: the same after a restart and on every balancer.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
/// <param name="IsAvailable">Whether it is up.</param>
/// <param name="BackFor">For how long it has been up again after having been down; null when it never was down.</param>
/// <param name="Tenure">Whose sessions it keeps; none for a node that keeps none.</param>
internal readonly record struct Candidate(
    string Id, double Weight, bool IsAvailable = true, TimeSpan? BackFor = null, Tenure Tenure = default);
