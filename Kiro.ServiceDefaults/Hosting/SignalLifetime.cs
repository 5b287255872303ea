using System.Runtime.InteropServices;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Ends the service on a signal, as the framework's console lifetime does, and tells the two kinds of stop apart:
/// SIGTERM comes from an orchestrator and drains, Ctrl-C (SIGINT, SIGQUIT) comes from a person and does not wait.
/// Under a parent that stops its services itself, what a terminal sends to all of them at once is left to the parent:
/// it knows who leaves first.
/// </summary>
internal sealed partial class SignalLifetime(
    IHostApplicationLifetime lifetime, Drain drain, Reloadable<DrainOptions> options, IConfiguration configuration, ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        On(PosixSignal.SIGTERM, skipDelay: false);
        if (configuration[StopWithParent.Variable] == "1")
        {
            Ignore(PosixSignal.SIGINT);
            Ignore(PosixSignal.SIGQUIT);
            Ignore(PosixSignal.SIGHUP);
        }
        else
        {
            On(PosixSignal.SIGINT, skipDelay: true);
            On(PosixSignal.SIGQUIT, skipDelay: true);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private void Ignore(PosixSignal signal) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = true));

    private void On(PosixSignal signal, bool skipDelay) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (skipDelay)
            {
                Stops(logger, signal, options.Value.Timeout.TotalSeconds);
                drain.SkipDelay();
            }
            else
            {
                Drains(logger, signal, options.Value.Delay.TotalSeconds, options.Value.Timeout.TotalSeconds);
            }

            drain.Begin();
            lifetime.StopApplication();
        }));

    [LoggerMessage(92, LogLevel.Information, "Stopping on {Signal}: keeps serving for {Delay} s, then waits up to {Timeout} s for requests in flight")]
    private static partial void Drains(ILogger logger, PosixSignal signal, double delay, double timeout);

    [LoggerMessage(93, LogLevel.Information, "Stopping on {Signal}: waits up to {Timeout} s for requests in flight")]
    private static partial void Stops(ILogger logger, PosixSignal signal, double timeout);
}

/// <summary>
/// Takes SIGHUP from the first moment on, which would end a process that has nobody to take it: whoever wants settings to be
/// read again need not know that the program is still starting.
/// </summary>
internal static class EarlyHangup
{
    private static int _came;

    /// <summary>Begins; the signal is left to the system again when the result is disposed of and nobody else takes it.</summary>
    public static IDisposable Take() => PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        Volatile.Write(ref _came, 1);
    });

    /// <summary>Whether one came since <see cref="Take"/>, or since this was asked last.</summary>
    public static bool Came() => Interlocked.Exchange(ref _came, 0) == 1;
}
