using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Stops the service when its parent process is gone, even if that was killed, because our standard input is then
/// closed. Only used if <see cref="Variable"/> is 1.
/// </summary>
public sealed partial class StopWithParent(IHostApplicationLifetime lifetime, Drain drain, ILogger<StopWithParent> logger) : BackgroundService
{
    /// <summary>Set to 1 by a parent that keeps this process's standard input open.</summary>
    public const string Variable = "KIRO_STOP_WITH_PARENT";

    /// <summary>Set to 1 by a parent that shows this process's output on a terminal.</summary>
    public const string TerminalVariable = "KIRO_TERMINAL";

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        // Reading from a pipe cannot be cancelled, so the host must not wait for it when it stops.
        var closed = Task.Run(async () =>
        {
            while (await input.ReadAsync(buffer, CancellationToken.None) > 0)
            {
            }
        }, CancellationToken.None);

        await closed.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stoppingToken.IsCancellationRequested)
        {
            Stops(logger);
            drain.SkipDelay();
            drain.Begin();
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(94, LogLevel.Information, "Stopping: the parent process has ended or requested it")]
    private static partial void Stops(ILogger logger);
}
