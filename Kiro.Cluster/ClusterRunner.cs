using Kiro.Cluster.Health;
using Kiro.Cluster.Live;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Output;
using Kiro.Cluster.Supervision;
using Kiro.Cluster.Terminal;

namespace Kiro.Cluster;

/// <summary>Starts the nodes, keeps them running, and stops them on a signal.</summary>
internal static class ClusterRunner
{
    /// <param name="nodes">The nodes to start.</param>
    /// <param name="database">The database they use, for the report.</param>
    /// <param name="ignored">Variables that have no effect here.</param>
    /// <param name="plain">Print lines instead of the live table, even to a terminal.</param>
    /// <returns>The exit code: 1 if a node could not start, 130 if the user did not wait for a clean stop.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<Node> nodes, string database, IReadOnlyList<string> ignored, bool plain)
    {
        var time = TimeProvider.System;
        using var signals = new StopSignals(time);
        using var probe = new HealthProbe(nodes.Count(node => !node.IsBalancer));
        string[] names = [.. nodes.Select(node => node.Name)];
        var terminal = TerminalKind.Current;
        await using var table = terminal.IsTerminal && !plain ? new LiveTable(names, terminal.Colour, time) : null;
        IRunnerOutput console = table is null ? new NodeConsole(Console.Out, names, terminal.Colour) : table.Log;
        using var shutdown = new Shutdown(console.Say, time);
        var watch = new StartWatch(probe.AskAsync, time);

        if (ignored.Count > 0)
        {
            console.Say($"{string.Join(", ", ignored)}: ignored, because this balancer uses this runner's instances.");
        }

        console.Say($"Starting {string.Join(", ", nodes.Select(node => node.Name))}.");
        var supervisors = nodes.Select(node => new NodeSupervisor(node, () => Run(node), watch, console.Say, time)).ToArray();
        table?.Start(new ClusterWatch(supervisors, AddressBlock.Head(nodes, database), probe, time), signals.Stop);
        var running = supervisors.ToDictionary(supervisor => supervisor.Node.Name, KeepAsync);
        var report = new StartReport(supervisors, console, database, time).WriteAsync(signals.Stop);

        await Task.Delay(Timeout.InfiniteTimeSpan, signals.Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        console.Say("Stopping.");
        await report.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await shutdown.RunAsync(
            running.ToDictionary(entry => entry.Key, entry => (Task)entry.Value),
            name => name == ClusterPlan.BalancerName,
            signals.Kill);
        console.Say("Stopped.");
        return running.Values.Any(node => !node.Result) ? 1 : signals.Kill.IsCancellationRequested ? 130 : 0;

        Task<int?> Run(Node node) => NodeProcess.RunAsync(
            node, console, node.IsBalancer ? shutdown.BalancerLeaves : shutdown.InstancesLeave, shutdown.Kill);

        async Task<bool> KeepAsync(NodeSupervisor supervisor)
        {
            var wasStopped = false;
            try
            {
                return wasStopped = await supervisor.RunAsync(signals.Stop);
            }
            finally
            {
                if (!wasStopped)
                {
                    signals.RequestStop();
                }
            }
        }
    }
}
