using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost;

/// <summary>
/// On Ctrl-C, stops the services while dashboard and orchestrator still run, so that their last telemetry is received
/// and all ports are free when the prompt returns. Aspire itself would exit immediately and stop the dashboard first, and every
/// service would spend ten seconds trying to export telemetry.
/// </summary>
internal sealed class ServiceShutdown(IReadOnlyList<IResource> services, ResourceNotificationService notifications, ResourceCommandService commands)
    : IHostedLifecycleService
{
    // After that, the orchestrator stops the rest.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static void AddTo(IDistributedApplicationBuilder builder, IEnumerable<IResourceBuilder<IResource>> services) =>
        builder.Services.AddHostedService(provider => new ServiceShutdown(
            [.. services.Select(service => service.Resource)],
            provider.GetRequiredService<ResourceNotificationService>(),
            provider.GetRequiredService<ResourceCommandService>()));

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        await Task.WhenAll(services.Select(service => LeaveAsync(service, limit.Token))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LeaveAsync(IResource service, CancellationToken cancellationToken)
    {
        var ended = KnownResourceStates.TerminalStates;
        if (notifications.TryGetCurrentState(service.Name, out var current)
            && current.Snapshot.State?.Text is { } state && state != KnownResourceStates.NotStarted && !ended.Contains(state))
        {
            // The command polls whether the process has exited, at increasing intervals up to three seconds; notifications are immediate.
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
