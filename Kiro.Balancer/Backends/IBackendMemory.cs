namespace Kiro.Balancer.Backends;

/// <summary>What was known of nodes before this process began. Called by <see cref="BackendRegistry"/> alone, under its lock.</summary>
internal interface IBackendMemory
{
    /// <summary>A node's health as it was last known.</summary>
    /// <param name="id">The node, which has just become known.</param>
    /// <param name="fresh">Its health when nothing was known.</param>
    /// <param name="now">The registry's time.</param>
    BackendHealth Recall(string id, BackendHealth fresh, Moment now);
}
