namespace Kiro.Cluster.Supervision;

/// <summary>Stops the balancer first, so that no client is sent to a stopped node, then all instances.</summary>
/// <param name="say">Prints a message.</param>
/// <param name="time">The clock.</param>
internal sealed class Shutdown(Action<string> say, TimeProvider time) : IDisposable
{
    /// <summary>Requests may be in flight for longer than a user wants to wait.</summary>
    private static readonly TimeSpan BalancerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _balancer = new();
    private readonly CancellationTokenSource _instances = new();
    private readonly CancellationTokenSource _kill = new();

    /// <summary>Stops the balancer.</summary>
    public CancellationToken BalancerLeaves => _balancer.Token;

    /// <summary>Stops the instances.</summary>
    public CancellationToken InstancesLeave => _instances.Token;

    /// <summary>Kills every remaining process.</summary>
    public CancellationToken Kill => _kill.Token;

    /// <summary>Stops all nodes, and kills those that do not stop in time.</summary>
    /// <param name="nodes">The names of the nodes, and tasks that complete when they exit.</param>
    /// <param name="isBalancer">Whether a name is the balancer's.</param>
    /// <param name="now">Cancelled when the user does not want to wait any longer.</param>
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
