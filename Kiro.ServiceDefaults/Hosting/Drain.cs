using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// The time between "stop" and the closing of the listener: the service says that it is leaving and still serves.
/// The host awaits <see cref="StoppingAsync"/> before it stops Kestrel.
/// </summary>
public sealed class Drain(Reloadable<DrainOptions> options, TimeProvider time) : IHostedLifecycleService
{
    private readonly TaskCompletionSource _skipped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    /// <summary>As long as a client may take to send the request for which it has just connected.</summary>
    private static readonly TimeSpan MinDelayReplaced = TimeSpan.FromSeconds(1);

    private volatile bool _isDraining;
    private volatile bool _isReplaced;

    /// <summary>True from the moment the service was told to stop.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>The service was told to stop. Said before anything ends because of it, so that a stream which ends
    /// never finds the service still calling itself healthy.</summary>
    public void Begin() => _isDraining = true;

    /// <summary>Whether another process serves the port already: then the service as a whole is not leaving.</summary>
    public bool IsReplaced => _isReplaced;

    /// <summary>Another process has taken the port over.</summary>
    public void BeginReplaced()
    {
        _isReplaced = true;
        Begin();
    }

    /// <summary>A person at the terminal does not want to wait: the stop, also one under way, only waits for requests in flight.</summary>
    public void SkipDelay() => _skipped.TrySetResult();

    /// <inheritdoc />
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        var delay = options.Value.Delay;
        await _skipped.Task.WaitAsync(IsReplaced && delay < MinDelayReplaced ? MinDelayReplaced : delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>How a service leaves.</summary>
/// <param name="Delay"><c>DRAIN_DELAY</c>: how long it goes on serving after SIGTERM while its health says "draining",
/// so that whoever sends it requests can look elsewhere first. 0 to 3600 s, default 5 s. Ctrl-C skips it.</param>
/// <param name="Timeout"><c>DRAIN_TIMEOUT</c>: how long requests in flight may then take to finish. 1 to 3600 s, default 30 s.</param>
public sealed record DrainOptions(TimeSpan Delay, TimeSpan Timeout)
{
    /// <summary>Reads both variables.</summary>
    public static DrainOptions Read(SettingsReader settings) => new(
        settings.Seconds("DRAIN_DELAY", 5, 0, 3600),
        settings.Seconds("DRAIN_TIMEOUT", 30, 1, 3600));
}
