using Kiro.Cluster.Output;

namespace Kiro.Cluster.Supervision;

/// <summary>Reports when the cluster is up, or what is missing after a minute.</summary>
/// <param name="nodes">All nodes.</param>
/// <param name="console">The output.</param>
/// <param name="database">The database in use.</param>
/// <param name="time">The clock.</param>
internal sealed class StartReport(
    IReadOnlyList<NodeSupervisor> nodes, IRunnerOutput console, string database, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    public async Task WriteAsync(CancellationToken stopping)
    {
        var all = Task.WhenAll(nodes.Select(node => node.Healthy));
        try
        {
            await all.WaitAsync(Timeout, time, stopping);
            console.Say(Healthy());
        }
        catch (TimeoutException)
        {
            var missing = nodes.Where(node => !node.Healthy.IsCompleted).Select(node => $"{node.Node.Name} {node.Problem}");
            console.Say($"Not healthy after {Timeout.TotalSeconds} s: {string.Join(", ", missing)}.");
        }

        console.Block(AddressBlock.Lines([.. nodes.Select(node => node.Node)], database));
        if (!all.IsCompleted)
        {
            await all.WaitAsync(stopping);
            console.Say(Healthy());
        }
    }

    private string Healthy()
    {
        var instances = nodes.Where(node => !node.Node.IsBalancer).ToArray();
        var degraded = instances.Where(node => node.Degraded is not null).ToArray();
        var all = instances.Length switch { 1 => "The only node is", 2 => "Both nodes are", _ => "All nodes are" };
        return degraded.Length == 0
            ? $"{all} healthy."
            : $"{all} up{(degraded.Length < instances.Length ? $", {degraded.Length} of them" : ", but")} degraded: {string.Join(", ", degraded.Select(node => node.Degraded).Distinct())}";
    }
}
