using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Kiro;

/// <summary>
/// Maintains the node file that a balancer watches, with the running replicas and their current ports. A stopped
/// replica is removed immediately, so that the balancer drains it; one that crashed stays, so that the
/// balancer shows it as down until it runs again. The first running replica starts the balancer.
/// </summary>
internal sealed partial class NodeWatch(
    KiroBalancerResource balancer, ResourceNotificationService notifications, ResourceCommandService commands, ILogger<NodeWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly SortedDictionary<string, string> _lines = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            if (balancer.Nodes.Find(nodes => nodes.Resource.Name == change.Resource.Name) is { } nodes
                && Note(nodes, change.ResourceId, change.Snapshot))
            {
                await WriteAsync(stoppingToken);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            Directory.Delete(balancer.WorkingDirectory, recursive: true);
        }
        catch (IOException)
        {
            // Temporary folders may be cleared by others.
        }
    }

    private bool Note(BalancedNodes nodes, string id, CustomResourceSnapshot snapshot)
    {
        if (nodes.AddressOf(snapshot) is not { } address)
        {
            balancer.Running.TryRemove(id, out _);
            return BalancedNodes.HasLeft(snapshot) && _lines.Remove(id);
        }

        balancer.Running[id] = address;
        var line = nodes.Line(address);
        if (_lines.TryGetValue(id, out var known) && known == line)
        {
            return false;
        }

        _lines[id] = line;
        return true;
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        // Keep the file if the last node has left: there is no other node for its clients, and the next node updates it.
        if (_lines.Count == 0)
        {
            return;
        }

        // Atomically, so that the balancer never reads a partial file.
        var isFirst = !File.Exists(balancer.NodeFile);
        var next = balancer.NodeFile + ".next";
        await File.WriteAllLinesAsync(next, _lines.Values.Distinct(), cancellationToken);
        File.Move(next, balancer.NodeFile, overwrite: true);
        Wrote(logger, balancer.Name, string.Join(", ", _lines.Values));
        if (!isFirst)
        {
            await TellAsync(cancellationToken);
        }
        else if (await commands.ExecuteCommandAsync(balancer, KnownResourceCommands.StartCommand, cancellationToken) is { Success: false } failure)
        {
            DidNotStart(logger, balancer.Name, failure.Message);
        }
    }

    // The balancer itself would take up to a second to notice the file, and a stopping node may be gone by then.
    private async Task TellAsync(CancellationToken cancellationToken)
    {
        if (!balancer.PrimaryEndpoint.IsAllocated
            || !notifications.TryGetCurrentState(balancer.Name, out var current) || current.Snapshot.State?.Text != KnownResourceStates.Running)
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            using var response = await AdminRequest.PostAsync(balancer, "reload", limit.Token);
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The balancer is starting, stopping or busy.
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Balancer} balances over {Nodes}")]
    private static partial void Wrote(ILogger logger, string balancer, string nodes);

    [LoggerMessage(2, LogLevel.Error, "{Balancer} could not be started: {Problem}")]
    private static partial void DidNotStart(ILogger logger, string balancer, string? problem);
}
