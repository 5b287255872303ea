using System.Runtime.InteropServices;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// Stops the service on a signal, like the framework's console lifetime, but distinguishes two kinds of stop:
/// SIGTERM, from an orchestrator, drains; Ctrl-C (SIGINT, SIGQUIT), from a person, does not wait.
/// If a parent process stops its services itself, signals that a terminal sends to the whole group are left to the parent,
/// which knows the right order.
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

    [LoggerMessage(92, LogLevel.Information, "Stopping on {Signal}: serving for another {Delay} s, then waiting up to {Timeout} s for requests in flight")]
    private static partial void Drains(ILogger logger, PosixSignal signal, double delay, double timeout);

    [LoggerMessage(93, LogLevel.Information, "Stopping on {Signal}: waiting up to {Timeout} s for requests in flight")]
    private static partial void Stops(ILogger logger, PosixSignal signal, double timeout);
}

/// <summary>
/// Handles SIGHUP from the beginning of the start, since it would otherwise end the process: a reload may be requested before
/// the start is complete.
/// </summary>
internal static class EarlyHangup
{
    private static int _came;

    /// <summary>Begins handling the signal, until the result is disposed of.</summary>
    public static IDisposable Take() => PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        Volatile.Write(ref _came, 1);
    });

    /// <summary>Whether one arrived since <see cref="Take"/>, or since the last call.</summary>
    public static bool Came() => Interlocked.Exchange(ref _came, 0) == 1;
}
