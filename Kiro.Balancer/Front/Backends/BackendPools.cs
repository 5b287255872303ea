using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Backends;

/// <summary>One loop's connections to all nodes.</summary>
internal sealed class BackendPools(FrontLoop loop, BackendRegistry registry, TimeProvider time)
{
    private readonly Dictionary<Backend, BackendPool> _pools = new(ReferenceEqualityComparer.Instance);
    private BackendSnapshot? _seen;

    public BackendPool Of(BackendRuntime runtime)
    {
        var backend = runtime.Backend;
        if (!_pools.TryGetValue(backend, out var pool))
        {
            pool = new BackendPool(loop, runtime, new BackendAddresses(backend, loop, time));
            _pools.Add(backend, pool);
        }

        return pool;
    }

    /// <summary>Lets go of nodes that are forgotten, and of idle connections to doubtful ones. To be called every second.</summary>
    public void Tidy()
    {
        foreach (var pool in _pools.Values)
        {
            pool.CloseDoubted();
        }

        var now = registry.Current;
        if (ReferenceEquals(now, _seen))
        {
            return;
        }

        _seen = now;
        foreach (var pool in _pools.Values.Where(pool => now.Of(pool.Runtime.Backend) is null).ToList())
        {
            pool.Retire();
            _pools.Remove(pool.Runtime.Backend);
        }
    }

    public void Retire()
    {
        foreach (var pool in _pools.Values)
        {
            pool.Retire();
        }
    }

    /// <summary>Connections to nodes, idle and in use.</summary>
    public int Count => _pools.Values.Sum(pool => pool.Count);
}
