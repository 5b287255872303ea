using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Discovery;

/// <summary>One way of finding the nodes.</summary>
internal interface IBackendLookup
{
    /// <summary>What is asked, for messages.</summary>
    string Source { get; }

    /// <summary>Whether a second lookup can have another answer.</summary>
    bool CanChange { get; }

    /// <summary>Asks. Any exception is a failed lookup.</summary>
    Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken);
}
