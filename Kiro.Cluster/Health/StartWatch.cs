using Kiro.Cluster.Nodes;

namespace Kiro.Cluster.Health;

/// <summary>Waits until a node that was started is what it should be.</summary>
/// <param name="ask">The probe.</param>
/// <param name="time">The clock.</param>
internal sealed class StartWatch(Func<Node, CancellationToken, Task<NodeHealth>> ask, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until all is well. <paramref name="answered"/> sees every response on the way.</summary>
    public async Task UntilHealthyAsync(Node node, Action<NodeHealth> answered, CancellationToken cancellationToken)
    {
        while (true)
        {
            var health = await ask(node, cancellationToken);
            answered(health);
            if (health.Problem is null)
            {
                return;
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }
}
