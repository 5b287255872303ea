using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>What is allowed but hardly meant about the settings: one line of the log each as the service starts.</summary>
/// <param name="all">A sentence each.</param>
/// <param name="logger">For the start.</param>
public sealed partial class SettingWarnings(IReadOnlyList<string> all, ILogger<SettingWarnings> logger) : IHostedService
{
    /// <summary>A sentence each.</summary>
    public IReadOnlyList<string> All { get; } = all;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in All)
        {
            Warning(logger, warning);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(91, LogLevel.Warning, "{Warning}")]
    private static partial void Warning(ILogger logger, string warning);
}
