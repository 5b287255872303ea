using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>What a node is called.</summary>
/// <param name="Id">What is hashed.</param>
/// <param name="Node">The name that it gives itself; null while it is unknown.</param>
internal sealed record NodeName(string Id, string? Node)
{
    public static NodeName Of(Backend backend) => new(backend.Id, backend.Health.Node);
}
