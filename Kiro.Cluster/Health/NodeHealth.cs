namespace Kiro.Cluster.Health;

/// <summary>One answer of a node to <c>GET /health</c>.</summary>
/// <param name="Serves">It answered with 2xx.</param>
/// <param name="Problem">Why it is not yet what it should be, to follow its name; null when it is.</param>
internal sealed record NodeHealth(bool Serves, string? Problem);
