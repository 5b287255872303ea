namespace Kiro.Balancer.Backends;

/// <summary>What operators ordered about nodes, known to this balancer or not. Called by <see cref="BackendRegistry"/> alone,
/// under its lock: it must not call back.</summary>
internal interface IStandingOrders
{
    /// <summary>A node is known from now on.</summary>
    /// <returns>It, as the orders want it.</returns>
    KnownBackend Joined(KnownBackend newcomer);

    /// <summary>A node is forgotten, and with it what was ordered.</summary>
    void Left(string id);
}
