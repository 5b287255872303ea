using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Discovery;

/// <summary>Nodes that stand in the settings.</summary>
internal sealed class FixedLookup(IReadOnlyList<BackendEndpoint> endpoints) : IBackendLookup
{
    public string Source => "the fixed list";

    public bool CanChange => false;

    public Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken) => Task.FromResult(endpoints);
}
