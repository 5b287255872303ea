namespace Kiro.Cluster.Nodes;

/// <summary>One process of the cluster.</summary>
/// <param name="Name">Such as <c>api-1</c>: names its lines of output.</param>
/// <param name="Program">The assembly it runs, without extension.</param>
/// <param name="Port">What it listens on.</param>
/// <param name="PortVariable">The runner's variable that decides on the port.</param>
/// <param name="Environment">What differs from the runner's own environment; null takes a variable away.</param>
internal sealed record Node(
    string Name, string Program, int Port, string PortVariable, IReadOnlyDictionary<string, string?> Environment)
{
    public Uri Address { get; } = new($"http://localhost:{Port}");

    public bool IsBalancer => Program == ClusterPlan.Balancer;
}
