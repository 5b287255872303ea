namespace Kiro.Cluster.Supervision;

/// <summary>The order of leaving: first the balancer, so that nobody is sent to a node that is gone; then all instances.</summary>
/// <param name="say">Tells the user.</param>
/// <param name="time">The clock.</param>
internal sealed class Shutdown(Action<string> say, TimeProvider time) : IDisposable
{
    /// <summary>Requests may be in flight for longer than anyone at a terminal wants to wait.</summary>
    private static readonly TimeSpan BalancerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _balancer = new();
    private readonly CancellationTokenSource _instances = new();
    private readonly CancellationTokenSource _kill = new();

    /// <summary>Asks the balancer to leave.</summary>
    public CancellationToken BalancerLeaves => _balancer.Token;

    /// <summary>Asks the instances to leave.</summary>
    public CancellationToken InstancesLeave => _instances.Token;

    /// <summary>Ends every process that is still there.</summary>
    public CancellationToken Kill => _kill.Token;

    /// <summary>Ends all nodes, by force where they do not end in time.</summary>
    /// <param name="nodes">Each node's name and the task that ends with it.</param>
    /// <param name="isBalancer">Tells the balancer from the instances.</param>
    /// <param name="now">The user will not wait any longer.</param>
    public async Task RunAsync(IReadOnlyDictionary<string, Task> nodes, Func<string, bool> isBalancer, CancellationToken now)
    {
        var start = time.GetTimestamp();
        await _balancer.CancelAsync();
        await AllOrAsync(nodes.Where(node => isBalancer(node.Key)), BalancerLimit, now);
        await _instances.CancelAsync();
        await AllOrAsync(nodes, Limit - time.GetElapsedTime(start), now);

        foreach (var (name, _) in nodes.Where(node => !node.Value.IsCompleted))
        {
            say(now.IsCancellationRequested ? $"{name} is killed." : $"{name} did not stop within {Limit.TotalSeconds} s and is killed.");
        }

        await _kill.CancelAsync();
        await Task.WhenAll(nodes.Values);
    }

    public void Dispose()
    {
        _balancer.Dispose();
        _instances.Dispose();
        _kill.Dispose();
    }

    private async Task AllOrAsync(IEnumerable<KeyValuePair<string, Task>> nodes, TimeSpan limit, CancellationToken now)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(now);
        await Task.WhenAny(Task.WhenAll(nodes.Select(node => node.Value)), Task.Delay(limit, time, done.Token));
        await done.CancelAsync();
    }
}
