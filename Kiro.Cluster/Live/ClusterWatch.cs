using Kiro.Cluster.Health;
using Kiro.Cluster.Status;
using Kiro.Cluster.Supervision;
using Kiro.Cluster.View;

namespace Kiro.Cluster.Live;

/// <summary>The state of the runner's cluster: from its balancer, and from the processes themselves.</summary>
/// <param name="supervisors">All processes.</param>
/// <param name="head">The lines below the first one, with the addresses.</param>
/// <param name="probe">Probes instances directly while there is no balancer.</param>
/// <param name="time">The clock.</param>
internal sealed class ClusterWatch(
    IReadOnlyList<NodeSupervisor> supervisors, IReadOnlyList<string> head, HealthProbe probe, TimeProvider time) : IDisposable
{
    private readonly NodeSupervisor? _balancer = supervisors.FirstOrDefault(supervisor => supervisor.Node.IsBalancer);
    private readonly NodeSupervisor[] _instances = [.. supervisors.Where(supervisor => !supervisor.Node.IsBalancer)];
    private readonly StatusClient? _client = supervisors.FirstOrDefault(supervisor => supervisor.Node.IsBalancer) is { } balancer
        ? new StatusClient(balancer.Node.Pages ?? new Uri($"http://127.0.0.1:{balancer.Node.Port}"), balancer.Node is { WithProxyHeader: true, Pages: null })
        : null;

    private readonly RequestRates _rates = new();

    public async Task<ClusterView> LookAsync(CancellationToken cancellationToken) =>
        _client is not null && await _client.AskAsync(cancellationToken) is { Document: { } status }
            ? OfBalancer(status)
            : await OfInstancesAsync(cancellationToken);

    public void Dispose() => _client?.Dispose();

    private ClusterView OfBalancer(StatusDocument status)
    {
        _rates.Note(status);
        var view = StatusView.Of(WithEnded(status), "", _rates);
        var restarts = _balancer!.Restarts > 0 ? $" · balancer restarted {_balancer.Restarts}×" : "";
        return new ClusterView([view.Head[0] + restarts, .. head], [.. view.Nodes.Select(WithProcess)], view.Warnings);
    }

    /// <summary>The runner knows that a process has exited before a probe detects it.</summary>
    private StatusDocument WithEnded(StatusDocument status)
    {
        var gone = _instances.Where(instance => instance.Ended is not null).Select(instance => instance.Node.Port).ToHashSet();
        var backends = (status.Backends ?? [])
            .Select(backend => backend is { IsUp: true } && gone.Contains(backend.Port) ? backend with { State = "down" } : backend).ToArray();
        var less = (status.Backends ?? []).Count(backend => backend is { IsUp: true }) - backends.Count(backend => backend is { IsUp: true });
        return status with { Backends = backends, Summary = status.Summary! with { Healthy = status.Summary.Healthy - less } };
    }

    private NodeView WithProcess(NodeView node) => _instances.FirstOrDefault(instance => instance.Node.Port == node.Port) is { } instance
        ? node with { Name = instance.Node.Name, Restarts = instance.Restarts, Reason = instance.Ended ?? node.Reason }
        : node;

    private async Task<ClusterView> OfInstancesAsync(CancellationToken cancellationToken)
    {
        var nodes = await Task.WhenAll(_instances.Select(instance => AskAsync(instance, cancellationToken)));
        string[] warnings = _balancer switch
        {
            null => [],
            { Ended: { } ended } => [$"The balancer {ended}."],
            { Healthy.IsCompleted: true } => ["The balancer does not respond."],
            _ => [],
        };
        var starting = supervisors.Any(supervisor => !supervisor.Healthy.IsCompleted) ? " · starting" : "";
        return new ClusterView([$"Kiro{starting} · {nodes.Count(node => node.IsUp)} of {nodes.Length} up", .. head], nodes, warnings);
    }

    private async Task<NodeView> AskAsync(NodeSupervisor instance, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var health = instance.Ended is { } ended
            ? new NodeHealth(false, ended)
            : await probe.AskAsync(instance.Node, cancellationToken);
        var isStarting = !instance.Healthy.IsCompleted;
        return new NodeView
        {
            Name = instance.Node.Name,
            Host = "localhost",
            Port = instance.Node.Port,
            State = health is { Serves: true, Degraded: not null } ? "degraded" : health.Serves ? "up" : isStarting ? "starting" : "down",
            Reason = isStarting ? instance.Ended : health.Degraded ?? health.Problem,
            LatencyMs = health.Serves ? time.GetElapsedTime(start).TotalMilliseconds : null,
            Restarts = instance.Restarts,
        };
    }
}
