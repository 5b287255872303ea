using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Kiro;

/// <summary>
/// Shows draining nodes in the dashboard. Only the balancer knows them, since a node may be drained from the dashboard, on
/// <c>/lb</c>, or by a peer, and its process keeps running.
/// </summary>
internal sealed class DrainWatch(KiroBalancerResource balancer, ResourceNotificationService notifications) : BackgroundService
{
    /// <summary>The state that the dashboard shows.</summary>
    public const string Draining = "Draining";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!balancer.PrimaryEndpoint.IsAllocated)
            {
                continue;
            }

            try
            {
                var status = await http.GetFromJsonAsync<JsonElement>($"{balancer.PrimaryEndpoint.Url}/lb/status", stoppingToken);
                var draining = status.GetProperty("backends").EnumerateArray()
                    .Where(node => node.GetProperty("state").GetString() == "draining")
                    .Select(node => node.GetProperty("id").GetString())
                    .ToHashSet();
                foreach (var (id, address) in balancer.Running)
                {
                    await ShowAsync(id, draining.Contains(address));
                }
            }
            catch (Exception problem) when (problem is HttpRequestException or JsonException or OperationCanceledException && !stoppingToken.IsCancellationRequested)
            {
                // The balancer is starting or stopping, so the state of its nodes is unknown.
            }
        }
    }

    // The orchestrator sets the state of nodes that are starting, stopping or stopped.
    private async Task ShowAsync(string id, bool isDraining)
    {
        var (from, to) = isDraining
            ? (KnownResourceStates.Running, new ResourceStateSnapshot(Draining, KnownResourceStateStyles.Warn))
            : (Draining, new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success));
        if (notifications.TryGetCurrentState(id, out var current) && current.Snapshot.State?.Text == from)
        {
            await notifications.PublishUpdateAsync(current.Resource, id, snapshot => snapshot.State?.Text == from ? snapshot with { State = to } : snapshot);
        }
    }
}
