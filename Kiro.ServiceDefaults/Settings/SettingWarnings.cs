using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>What is allowed but hardly meant about the settings: one line of the log each as the service starts.</summary>
internal sealed partial class SettingWarnings(Reloadable<SettingsReport> report, ILogger<SettingWarnings> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in report.Value.Warnings)
        {
            Warning(logger, warning);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(91, LogLevel.Warning, "{Warning}")]
    private static partial void Warning(ILogger logger, string warning);
}
