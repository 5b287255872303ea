using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost;

/// <summary>
/// Ctrl-C: the services leave while dashboard and orchestrator are still there, so that the last of their telemetry is taken
/// and no port is held any more when the prompt is back. By itself Aspire ends at once, stops the dashboard first, and every
/// service spends ten seconds on telling it so.
/// </summary>
internal sealed class Leaving(IReadOnlyList<IResource> services, ResourceNotificationService notifications, ResourceCommandService commands)
    : IHostedLifecycleService
{
    // Whoever takes longer is left to the orchestrator.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static void AddTo(IDistributedApplicationBuilder builder, IEnumerable<IResourceBuilder<IResource>> services) =>
        builder.Services.AddHostedService(provider => new Leaving(
            [.. services.Select(service => service.Resource)],
            provider.GetRequiredService<ResourceNotificationService>(),
            provider.GetRequiredService<ResourceCommandService>()));

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        await Task.WhenAll(services.Select(service => LeaveAsync(service, limit.Token))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LeaveAsync(IResource service, CancellationToken cancellationToken)
    {
        var ended = KnownResourceStates.TerminalStates;
        if (notifications.TryGetCurrentState(service.Name, out var current)
            && current.Snapshot.State?.Text is { } state && state != KnownResourceStates.NotStarted && !ended.Contains(state))
        {
            // The command looks less and less often, up to three seconds apart, whether the process has ended. The news of it come at once.
            using var told = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task command = commands.ExecuteCommandAsync(service, KnownResourceCommands.StopCommand, told.Token);
            try
            {
                await notifications.WaitForResourceAsync(service.Name, ended, cancellationToken);
            }
            finally
            {
                await told.CancelAsync();
                await command.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
