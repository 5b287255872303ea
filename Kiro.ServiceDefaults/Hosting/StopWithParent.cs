using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Stops the service when the process that started it is gone, even when that one was killed: its end of our
/// standard input closes with it. Only used when <see cref="Variable"/> is 1.
/// </summary>
public sealed partial class StopWithParent(IHostApplicationLifetime lifetime, Drain drain, ILogger<StopWithParent> logger) : BackgroundService
{
    /// <summary>The variable that a parent sets to 1 when it holds this process's standard input open.</summary>
    public const string Variable = "KIRO_STOP_WITH_PARENT";

    /// <summary>The variable that a parent sets to 1 when it shows this process's output on a terminal.</summary>
    public const string TerminalVariable = "KIRO_TERMINAL";

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        // The read of a pipe cannot be cancelled, so it must not be what the host waits for when it stops.
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

    [LoggerMessage(94, LogLevel.Information, "Stopping: the process that started it has ended or asked it to")]
    private static partial void Stops(ILogger logger);
}
